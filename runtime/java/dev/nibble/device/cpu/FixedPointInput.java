package dev.nibble.device.cpu;

import java.lang.foreign.MemorySegment;

/**
 * The input of weights of floats, for which no operation quantizes activations: they are quantized when the product runs, into
 * rows that all products of such inputs on the device share.
 *
 * @param x holds the rows of floats
 * @param rows receives them quantized
 */
record FixedPointInput(CpuBuffer x, FixedPointRows rows) {
    /** Below so many values, waking others costs more than it saves. */
    private static final int PARALLEL_ABOVE = 12_000;

    /** Quantizes the first rows. */
    void quantize(int count, WorkerPool pool) {
        rows.reserve(count);
        if ((long) count * x.width() < PARALLEL_ABOVE) {
            quantize(0, count);
        } else {
            pool.run((begin, end, thread) -> quantize(begin, end), count);
        }
    }

    private void quantize(int begin, int end) {
        MemorySegment floats = x.segment();
        for (int row = begin; row < end; row++) {
            rows.quantize(floats, row * x.rowBytes(), row);
        }
    }
}
