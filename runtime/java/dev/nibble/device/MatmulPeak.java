package dev.nibble.device;

import dev.nibble.gguf.TensorType;
import dev.nibble.quant.BlockFormat;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/**
 * The matrix-product half of a {@link Roofline}, for any device: products of the device's own kernels, small enough that
 * weights and activations stay in the caches close to its processors.
 */
public final class MatmulPeak implements AutoCloseable {
    private static final List<TensorType> TYPES = List.of(TensorType.Q4_0, TensorType.Q8_0);
    private static final int WEIGHT_ROWS = 2048;
    private static final int COLUMNS = 1024;
    private static final int TOKENS = 128;
    private static final long NANOS_PER_TYPE = 50_000_000;
    private static final long WARM_UP_NANOS = 500_000_000;
    private static final double NANOS = 1e9;

    private final Device device;
    private final List<AutoCloseable> resources = new ArrayList<>();
    private final List<Step> products = new ArrayList<>();
    private final Buffer out;

    /** Prepares the products and warms them up. */
    public MatmulPeak(Device device) {
        this.device = device;
        RowCount rows = new RowCount(buffer(ElementType.I32, 1, 1), TOKENS);
        Buffer x = buffer(ElementType.F32, TOKENS, COLUMNS);
        Buffer quantized = buffer(ElementType.Q8, TOKENS, COLUMNS);
        this.out = buffer(ElementType.F32, TOKENS, WEIGHT_ROWS);
        Random random = new Random(1);
        try (Arena arena = Arena.ofConfined()) {
            device.queue().write(rows.live(), 0, arena.allocateFrom(ValueLayout.JAVA_INT, TOKENS));
            device.queue().write(x, 0, arena.allocateFrom(ValueLayout.JAVA_FLOAT, gaussian(random, TOKENS * COLUMNS)));
        }
        device.queue().submit(device.prepare(List.of(new Operation.Quantize(rows, x, quantized))));
        for (TensorType type : TYPES) {
            Weight weight = device.load(new SmallWeight(type, random), WeightUse.MATRIX);
            resources.add(weight);
            products.add(device.prepare(List.of(
                    new Operation.Matmul(rows, x, quantized, List.of(new Operation.Product(weight, null, out))))));
        }
        products.forEach(product -> rate(product, WARM_UP_NANOS));
    }

    /** Measures once; the multiply-adds per second of the best type. */
    public double multiplyAddsPerSecond() {
        double best = 0;
        for (Step product : products) {
            best = Math.max(best, rate(product, NANOS_PER_TYPE));
        }
        return best;
    }

    private double rate(Step product, long nanos) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment sample = arena.allocate(ValueLayout.JAVA_FLOAT);
            device.queue().submit(product);
            device.queue().read(out, 0, sample);
            long start = System.nanoTime();
            long elapsed = 0;
            int runs = 0;
            while (elapsed < nanos) {
                device.queue().submit(product);
                device.queue().read(out, 0, sample);
                runs++;
                elapsed = System.nanoTime() - start;
            }
            return NANOS * runs * WEIGHT_ROWS * COLUMNS * TOKENS / elapsed;
        }
    }

    private Buffer buffer(ElementType type, int rows, int width) {
        Buffer buffer = device.allocate(type, rows, width);
        resources.add(buffer);
        return buffer;
    }

    private static float[] gaussian(Random random, int count) {
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
            values[i] = (float) random.nextGaussian();
        }
        return values;
    }

    /** Frees weights and buffers; closing again does nothing. */
    @Override
    public void close() {
        for (AutoCloseable resource : resources) {
            switch (resource) {
                case Buffer buffer -> buffer.close();
                case Weight weight -> weight.close();
                default -> throw new IllegalStateException("unexpected " + resource);
            }
        }
    }

    /** A weight of random values. */
    private static final class SmallWeight implements WeightSource {
        private final WeightShape shape;
        private final MemorySegment blocks;

        SmallWeight(TensorType type, Random random) {
            this.shape = new WeightShape("measurement", type, 1, WEIGHT_ROWS, COLUMNS);
            this.blocks = Arena.ofAuto().allocate(shape.bytes());
            BlockFormat.of(type).encode(gaussian(random, WEIGHT_ROWS * COLUMNS), 0, WEIGHT_ROWS * COLUMNS, blocks, 0);
        }

        @Override
        public WeightShape shape() {
            return shape;
        }

        @Override
        public MemorySegment rows(long firstRow, int count) {
            return blocks.asSlice(firstRow * shape.rowBytes(), count * shape.rowBytes());
        }
    }
}
