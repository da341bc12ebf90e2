package dev.nibble.device.reference;

import dev.nibble.device.Arithmetic;
import dev.nibble.device.Buffer;
import dev.nibble.device.ElementType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** A buffer on the Java heap. Fresh ones hold NaN, or the least int, so that what was never written shows. */
final class ReferenceBuffer implements Buffer {
    private final ReferenceDevice device;
    private final ElementType type;
    private final int rows;
    private final int width;
    private final long bytes;

    /** A float[], int[], {@link Quants} or {@link AffineRows}; null when closed. */
    private volatile @Nullable Object content;

    ReferenceBuffer(ReferenceDevice device, ElementType type, int rows, int width, Arithmetic arithmetic) {
        this.device = device;
        this.type = type;
        this.rows = rows;
        this.width = width;
        int count = rows * width;
        bytes = bytes(type, arithmetic, rows, count);
        content = content(type, arithmetic, count);
    }

    private static long bytes(ElementType type, Arithmetic arithmetic, int rows, long count) {
        if (type != ElementType.Q8) {
            return count * Float.BYTES;
        }
        return switch (arithmetic) {
            case BLOCK_INT8 -> count + count / Quants.BLOCK * Float.BYTES;
            case EXACT -> count * Float.BYTES;
            case FIXED_POINT -> count + (long) rows * (Float.BYTES + Integer.BYTES);
        };
    }

    private Object content(ElementType type, Arithmetic arithmetic, int count) {
        if (type == ElementType.I32) {
            int[] ints = new int[count];
            Arrays.fill(ints, Integer.MIN_VALUE);
            return ints;
        }
        if (type == ElementType.F32) {
            return unwritten(count);
        }
        return switch (arithmetic) {
            case BLOCK_INT8 -> new Quants(new byte[count], unwritten(count / Quants.BLOCK));
            case EXACT -> unwritten(count);
            case FIXED_POINT -> AffineRows.of(rows, width);
        };
    }

    private static float[] unwritten(int count) {
        float[] floats = new float[count];
        Arrays.fill(floats, Float.NaN);
        return floats;
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
        return bytes;
    }

    @Override
    public void close() {
        content = null;
        device.forget(this);
    }

    ReferenceDevice device() {
        return device;
    }

    /** The floats of an F32 buffer, (rows, width). */
    static float[] floats(Buffer buffer) {
        return (float[]) ((ReferenceBuffer) buffer).content();
    }

    /** The integers of an I32 buffer, (rows, width). */
    static int[] ints(Buffer buffer) {
        return (int[]) ((ReferenceBuffer) buffer).content();
    }

    /** What a buffer holds: a float[] or int[]; a Q8 buffer what the arithmetic calls for, a float[] if that is exact. */
    Object content() {
        Object present = content;
        if (present == null) {
            throw new IllegalStateException("the buffer of " + type + " (" + rows + ", " + width + ") is closed");
        }
        return present;
    }

    void write(long element, MemorySegment source) {
        int count = count(element, source);
        switch (content()) {
            case float[] floats ->
                MemorySegment.copy(source, ValueLayout.JAVA_FLOAT_UNALIGNED, 0, floats, (int) element, count);
            case int[] ints ->
                MemorySegment.copy(source, ValueLayout.JAVA_INT_UNALIGNED, 0, ints, (int) element, count);
            default -> throw new IllegalStateException("no host content");
        }
    }

    void read(long element, MemorySegment target) {
        int count = count(element, target);
        switch (content()) {
            case float[] floats ->
                MemorySegment.copy(floats, (int) element, target, ValueLayout.JAVA_FLOAT_UNALIGNED, 0, count);
            case int[] ints ->
                MemorySegment.copy(ints, (int) element, target, ValueLayout.JAVA_INT_UNALIGNED, 0, count);
            default -> throw new IllegalStateException("no host content");
        }
    }

    private int count(long element, MemorySegment host) {
        long count = host.byteSize() / Float.BYTES;
        if (type == ElementType.Q8) {
            throw new IllegalArgumentException(
                    "buffers of Q8 are the device's own: the host cannot read or write them");
        }
        if (host.byteSize() % Float.BYTES != 0 || element < 0 || element + count > (long) rows * width) {
            throw new IllegalArgumentException(host.byteSize() + " bytes from element " + element + " on do not lie in"
                    + " a buffer of " + type + " (" + rows + ", " + width + ")");
        }
        return (int) count;
    }
}
