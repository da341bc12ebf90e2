package dev.nibble.device.kernel;

import dev.nibble.device.Buffer;
import dev.nibble.device.ElementType;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A buffer in device memory, rows one after another. One of Q8 has two parts: int8 (rows, width), and for each
 * block (rows, width / 32) its scale, a float, and the sums of its first and of its last 16 values in the low and high half of an int.
 */
public final class KernelBuffer implements Buffer, KernelPart {
    /** Values that share a scale. */
    public static final int BLOCK = 32;

    private final ElementType type;
    private final int rows;
    private final int width;
    private final Allocation values;
    private final @Nullable Allocation blocks;

    private KernelBuffer(ElementType type, int rows, int width, Allocation values, @Nullable Allocation blocks) {
        this.type = type;
        this.rows = rows;
        this.width = width;
        this.values = values;
        this.blocks = blocks;
    }

    /** A buffer of F32 or I32 in memory that is there already. */
    public KernelBuffer(ElementType type, int rows, int width, Allocation values) {
        this(type, rows, width, values, null);
    }

    /**
     * Allocates a buffer.
     *
     * @throws IllegalArgumentException if there is no buffer of this shape
     */
    public static KernelBuffer allocate(ElementType type, int rows, int width, Memory memory) {
        checkShape(type, rows, width);
        long count = (long) rows * width;
        String what = "a buffer of " + rows + " x " + width + " " + type;
        if (type != ElementType.Q8) {
            long bytes = Math.min(count, Long.MAX_VALUE / Float.BYTES) * Float.BYTES;
            return new KernelBuffer(type, rows, width, memory.allocate(bytes, what));
        }
        Allocation values = memory.allocate(count, what);
        try {
            long blocks = count / BLOCK * (Float.BYTES + Integer.BYTES);
            return new KernelBuffer(type, rows, width, values, memory.allocate(blocks, what));
        } catch (RuntimeException e) {
            values.close();
            throw e;
        }
    }

    /** Checks that there can be a buffer of this shape. */
    public static void checkShape(ElementType type, int rows, int width) {
        if (rows < 1 || width < 1 || type == ElementType.Q8 && width % BLOCK != 0) {
            throw new IllegalArgumentException("there is no buffer of " + type + " (" + rows + ", " + width + ")");
        }
    }

    /**
     * The memory of a buffer that the host reads or writes, in which {@code bytes} bytes from an element on must lie.
     *
     * @param memory of the device whose buffer it must be
     */
    public static Allocation words(Buffer buffer, long element, long bytes, Memory memory) {
        if (!(buffer instanceof KernelBuffer words) || !memory.owns(words) || buffer.type() == ElementType.Q8) {
            throw new IllegalArgumentException(
                    "the host can read and write buffers of F32 and I32 of this device, not one of " + buffer.type());
        }
        long room = (long) buffer.rows() * buffer.width() - element;
        if (element < 0 || bytes % Integer.BYTES != 0 || bytes / Integer.BYTES > room) {
            throw new IllegalArgumentException(
                    bytes + " bytes from element " + element + " on do not lie in a buffer of " + buffer.type() + " ("
                            + buffer.rows() + ", " + buffer.width() + ")");
        }
        if (words.values().isClosed()) {
            throw new IllegalStateException(
                    "the buffer of " + buffer.type() + " (" + buffer.rows() + ", " + buffer.width() + ") is closed");
        }
        return words.values();
    }

    @Override
    public ElementType type() {
        return type;
    }

    @Override
    public int rows() {
        return rows;
    }

    @Override
    public int width() {
        return width;
    }

    @Override
    public long bytes() {
        return values.bytes() + (blocks == null ? 0 : blocks.bytes());
    }

    /** The values: floats, ints, or the int8 of Q8. */
    public Allocation values() {
        return values;
    }

    /** The blocks of Q8: scales and sums. */
    public Allocation blocks() {
        if (blocks == null) {
            throw new IllegalStateException("a buffer of " + type + " has no blocks");
        }
        return blocks;
    }

    @Override
    public List<Allocation> allocations() {
        List<Allocation> all = new ArrayList<>(List.of(values));
        if (blocks != null) {
            all.add(blocks);
        }
        return all;
    }

    @Override
    public void close() {
        allocations().forEach(Allocation::close);
    }
}
