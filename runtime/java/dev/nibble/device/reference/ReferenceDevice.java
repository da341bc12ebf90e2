package dev.nibble.device.reference;

import dev.nibble.OutOfCapacityException;
import dev.nibble.UnsupportedFeatureException;
import dev.nibble.device.Arithmetic;
import dev.nibble.device.Buffer;
import dev.nibble.device.Device;
import dev.nibble.device.DeviceOptions;
import dev.nibble.device.ElementType;
import dev.nibble.device.KvLayout;
import dev.nibble.device.KvPages;
import dev.nibble.device.Operation;
import dev.nibble.device.Queue;
import dev.nibble.device.Step;
import dev.nibble.device.Weight;
import dev.nibble.device.WeightShape;
import dev.nibble.device.WeightSource;
import dev.nibble.device.WeightUse;
import dev.nibble.quant.BlockFormat;
import dev.nibble.quant.affine.ChannelScales;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;

/**
 * The oracle of all devices: scalar Java that follows the definitions, with sums in float64. It is also where wrong use is
 * caught: fresh memory is filled with NaN, and whatever a step reads from buffers (row counts, ids, positions, pages) is
 * checked when it runs.
 *
 * <p>It offers every {@link Arithmetic}.
 */
final class ReferenceDevice implements Device {
    static final String NAME = "reference";

    private static final int LONGEST_ARRAY = Integer.MAX_VALUE - 8;

    private final Arithmetic arithmetic;
    private final Workers workers;
    private final ReferenceQueue queue;
    private final Set<AutoCloseable> resources = ConcurrentHashMap.newKeySet();
    private volatile boolean closed;

    ReferenceDevice(DeviceOptions options) {
        arithmetic = options.arithmetic();
        workers = new Workers(options.effectiveThreads());
        queue = new ReferenceQueue(this, new Kernels(workers));
    }

    @Override
    public String name() {
        return NAME;
    }

    @Override
    public String description() {
        return "scalar Java, " + threads() + (threads() == 1 ? " thread, " : " threads, ")
                + switch (arithmetic) {
                    case BLOCK_INT8 -> "int8 activations";
                    case EXACT -> "float32 activations";
                    case FIXED_POINT -> "fixed-point layers";
                };
    }

    @Override
    public int threads() {
        return workers.threads();
    }

    @Override
    public long freeMemory() {
        Runtime runtime = Runtime.getRuntime();
        return runtime.maxMemory() - runtime.totalMemory() + runtime.freeMemory();
    }

    @Override
    public long weightBytes(WeightShape shape, WeightUse use) {
        BlockFormat.of(shape.type());
        if (arithmetic == Arithmetic.FIXED_POINT && shape.columns() > ChannelScales.MOST_COLUMNS) {
            throw new UnsupportedFeatureException("tensor " + shape.name() + ": in fixed-point arithmetic rows have at"
                    + " most " + ChannelScales.MOST_COLUMNS + " columns, not " + shape.columns()
                    + "; use --arithmetic block-int8");
        }
        return shape.bytes();
    }

    @Override
    public Weight load(WeightSource source, WeightUse use) {
        checkOpen();
        weightBytes(source.shape(), use);
        return keep(new ReferenceWeight(this, source, use, arithmetic));
    }

    @Override
    public Buffer allocate(ElementType type, int rows, int width) {
        checkOpen();
        String what = "a buffer of " + type + " (" + rows + ", " + width + ")";
        if (rows < 1 || width < 1 || type == ElementType.Q8 && width % Quants.BLOCK != 0) {
            throw new IllegalArgumentException("there is no " + what);
        }
        long count = (long) rows * width;
        if (count > LONGEST_ARRAY) {
            throw new OutOfCapacityException("reference: no room for " + what + ": its " + count
                    + " elements are more than a Java array holds, " + LONGEST_ARRAY + "; use the device cpu");
        }
        return keep(onHeap(what, () -> new ReferenceBuffer(this, type, rows, width, arithmetic)));
    }

    @Override
    public KvPages allocateKv(KvLayout layout, int pages) {
        checkOpen();
        if (pages < 1) {
            throw new IllegalArgumentException("there is no KV cache of " + pages + " pages");
        }
        String what = "a KV cache of " + pages + " pages of " + layout.pageBytes() + " bytes";
        return keep(onHeap(what, () -> new ReferenceKvPages(this, layout, pages)));
    }

    @Override
    public Step prepare(List<Operation> operations) {
        checkOpen();
        return new ReferenceStep(this, operations);
    }

    @Override
    public Queue queue() {
        return queue;
    }

    @Override
    public void close() {
        queue.whileIdle(() -> {
            closed = true;
            for (AutoCloseable resource : List.copyOf(resources)) {
                close(resource);
            }
        });
        workers.close();
    }

    /** Whether activations stay in float32. */
    boolean exactActivations() {
        return arithmetic == Arithmetic.EXACT;
    }

    void checkOpen() {
        if (closed) {
            throw new IllegalStateException("the reference device is closed");
        }
    }

    /** A resource was closed: the device need not close it any more. */
    void forget(AutoCloseable resource) {
        resources.remove(resource);
    }

    /**
     * A buffer of this device.
     *
     * @throws IllegalArgumentException if another device made it
     */
    ReferenceBuffer own(Buffer buffer) {
        own((AutoCloseable) buffer);
        return (ReferenceBuffer) buffer;
    }

    /** Checks that this device made a buffer, weight or cache. */
    void own(AutoCloseable part) {
        ReferenceDevice owner = switch (part) {
            case ReferenceBuffer buffer -> buffer.device();
            case ReferenceWeight weight -> weight.device();
            case ReferenceKvPages cache -> cache.device();
            default -> null;
        };
        if (owner != this) {
            throw new IllegalArgumentException(
                    "a " + part.getClass().getSimpleName() + " of another device was given to this one");
        }
    }

    private <T extends AutoCloseable> T keep(T resource) {
        resources.add(resource);
        return resource;
    }

    private static void close(AutoCloseable resource) {
        switch (resource) {
            case ReferenceBuffer buffer -> buffer.close();
            case ReferenceWeight weight -> weight.close();
            case ReferenceKvPages cache -> cache.close();
            default -> throw new IllegalStateException("no resource of this device: " + resource);
        }
    }

    private <T> T onHeap(String what, Supplier<T> allocation) {
        try {
            return allocation.get();
        } catch (OutOfMemoryError e) {
            throw new OutOfCapacityException("reference: no room for " + what + ": " + freeMemory()
                    + " bytes of the Java heap are free; give it more (-Xmx), or use the device cpu");
        }
    }
}
