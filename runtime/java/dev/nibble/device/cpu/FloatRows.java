package dev.nibble.device.cpu;

import java.lang.foreign.MemorySegment;

/**
 * Rows of float32 values in memory.
 *
 * @param segment holds the rows
 * @param stride the bytes from row to row
 */
record FloatRows(MemorySegment segment, long stride) {
    /** Where a row begins. */
    long offset(int row) {
        return row * stride;
    }
}
