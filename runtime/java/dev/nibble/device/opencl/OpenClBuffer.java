package dev.nibble.device.opencl;

import dev.nibble.device.Buffer;
import dev.nibble.device.ElementType;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A buffer in device memory, rows one after another. One of Q8 has two parts: int8 (rows, width), and for each
 * block (rows, width / 32) its scale, a float, and the sums of its first and of its last 16 values in the low and high half of an int.
 */
final class OpenClBuffer implements Buffer, OpenClPart {
    /** Values that share a scale. */
    static final int BLOCK = 32;

    private final ElementType type;
    private final int rows;
    private final int width;
    private final OpenClAllocation values;
    private final @Nullable OpenClAllocation blocks;

    private OpenClBuffer(
            ElementType type, int rows, int width, OpenClAllocation values, @Nullable OpenClAllocation blocks) {
        this.type = type;
        this.rows = rows;
        this.width = width;
        this.values = values;
        this.blocks = blocks;
    }

    /** A buffer of F32 or I32 in memory that is there already. */
    OpenClBuffer(ElementType type, int rows, int width, OpenClAllocation values) {
        this(type, rows, width, values, null);
    }

    static OpenClBuffer allocate(ElementType type, int rows, int width, OpenClMemory memory) {
        long count = (long) rows * width;
        String what = "a buffer of " + rows + " x " + width + " " + type;
        if (type != ElementType.Q8) {
            long bytes = Math.min(count, Long.MAX_VALUE / Float.BYTES) * Float.BYTES;
            return new OpenClBuffer(type, rows, width, memory.allocate(bytes, what));
        }
        OpenClAllocation values = memory.allocate(count, what);
        try {
            long blocks = count / BLOCK * (Float.BYTES + Integer.BYTES);
            return new OpenClBuffer(type, rows, width, values, memory.allocate(blocks, what));
        } catch (RuntimeException e) {
            values.close();
            throw e;
        }
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
    OpenClAllocation values() {
        return values;
    }

    /** The blocks of Q8: scales and sums. */
    OpenClAllocation blocks() {
        if (blocks == null) {
            throw new IllegalStateException("a buffer of " + type + " has no blocks");
        }
        return blocks;
    }

    @Override
    public List<OpenClAllocation> allocations() {
        List<OpenClAllocation> all = new ArrayList<>(List.of(values));
        if (blocks != null) {
            all.add(blocks);
        }
        return all;
    }

    @Override
    public void close() {
        allocations().forEach(OpenClAllocation::close);
    }
}
