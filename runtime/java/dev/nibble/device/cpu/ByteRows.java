package dev.nibble.device.cpu;

import java.lang.foreign.MemorySegment;

/** Rows of activations quantized to int8 in blocks of 32, as native kernels read them; see {@link QuantizedRows}. */
final class ByteRows {
    private final NativeKernels kernels;

    /** (rows, columns): the integers. */
    private final MemorySegment integers;

    /** (rows, columns / 32): what one integer step is worth, float32. */
    private final MemorySegment scales;

    /** (rows, columns / 16): the sum of a half block's integers, int32. */
    private final MemorySegment sums;

    /** Makes room for rows; their content is undefined. */
    ByteRows(NativeKernels kernels, int rows, int columns) {
        int values = Math.multiplyExact(rows, columns);
        this.kernels = kernels;
        this.integers = MemorySegment.ofArray(new byte[values]);
        this.scales = MemorySegment.ofArray(new float[values / QuantizedRows.BLOCK]);
        this.sums = MemorySegment.ofArray(new int[values / QuantizedRows.HALF_BLOCK]);
    }

    /** The memory that this takes. */
    long bytes() {
        return integers.byteSize() + scales.byteSize() + sums.byteSize();
    }

    NativeKernels kernels() {
        return kernels;
    }

    MemorySegment integers() {
        return integers;
    }

    MemorySegment scales() {
        return scales;
    }

    MemorySegment sums() {
        return sums;
    }

    /**
     * Quantizes values; see {@link QuantizedActivations#quantize}.
     *
     * @param x holds {@code count} floats
     * @param offset byte offset of the first
     * @param at where they go, counted over all rows, a multiple of 32
     * @param count how many, a multiple of 32
     */
    void quantize(MemorySegment x, long offset, int at, int count) {
        int block = at / QuantizedRows.BLOCK;
        int blocks = count / QuantizedRows.BLOCK;
        kernels.quantize(
                x.asSlice(offset, (long) count * Float.BYTES),
                blocks,
                integers.asSlice(at, count),
                scales.asSlice((long) block * Float.BYTES, (long) blocks * Float.BYTES),
                sums.asSlice(2L * block * Integer.BYTES, 2L * blocks * Integer.BYTES));
    }
}
