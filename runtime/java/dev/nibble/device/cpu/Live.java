package dev.nibble.device.cpu;

import dev.nibble.device.RowCount;

/**
 * The number of live rows, read when a step runs.
 *
 * @param buffer I32 (1, 1)
 * @param limit the most rows
 */
record Live(CpuBuffer buffer, int limit) {
    static Live of(RowCount rows) {
        return new Live((CpuBuffer) rows.live(), rows.limit());
    }

    /** The number now. */
    int count() {
        int count = buffer.integer(0);
        if (count < 0 || count > limit) {
            throw new IllegalStateException(count + " live rows in a step made for at most " + limit);
        }
        return count;
    }
}
