package dev.nibble.device;

/**
 * How many rows an operation works on: the number that stands in device memory when the step runs.
 *
 * @param live I32 (1, 1), at most {@code limit}; rows from there on are left untouched
 * @param limit the most rows that a step made with this count can work on
 */
public record RowCount(Buffer live, int limit) {
    /** Checks the limit. */
    public RowCount {
        if (live.type() != ElementType.I32 || live.rows() != 1 || live.width() != 1 || limit < 1) {
            throw new IllegalArgumentException("no row count of at most " + limit + " rows in a buffer of "
                    + live.type() + " (" + live.rows() + ", " + live.width() + ")");
        }
    }
}
