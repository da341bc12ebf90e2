package dev.nibble.device.cpu;

/** An operation whose output in a row depends on the same row of its inputs only, so that neighbours can be fused. */
interface RowWork {
    /**
     * Works on a part of a row.
     *
     * @param begin the first column; 0 unless {@link #columnwise}
     * @param end the end of the columns; {@link #width} unless {@link #columnwise}
     */
    void run(int row, int begin, int end, int thread);

    /** Values of a row. */
    int width();

    /** About how long a value takes, in nanoseconds. */
    default double cost() {
        return 0.1;
    }

    /** Whether it may be cut between columns that are multiples of 32. */
    default boolean columnwise() {
        return false;
    }
}
