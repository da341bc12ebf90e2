package dev.nibble.device.kernel;

/**
 * How threads share a row: a single one walks it with vectors, or a group shares it, neighbours reading neighbouring values.
 *
 * @param lanes threads of a row
 * @param vector values that a thread reads at once
 */
public record RowShape(int lanes, int vector) {
    /** Values of a row that are worth another thread, where it walks alone. */
    private static final int PIECE = 1024;

    /** Groups for a row of so many values that are worked on one by one. */
    long groups(int width) {
        return Math.ceilDiv(width, lanes == 1 ? PIECE : lanes * vector);
    }

    /** Groups that quantize a row of so many values. */
    long quantizeGroups(int width) {
        return lanes == 1 ? 1 : groups(width);
    }
}
