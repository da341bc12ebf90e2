package dev.nibble.quant.affine;

/** Which values of a matrix share an {@link AffineParameters}; a row is what feeds one output channel. */
public sealed interface Granularity {
    /** All values share one. */
    record PerTensor() implements Granularity {}

    /** Each row has its own. */
    record PerChannel() implements Granularity {}

    /**
     * Each group of neighbouring values of a row has its own; the last group of a row may be shorter.
     *
     * @param length the values of a group
     */
    record PerGroup(int length) implements Granularity {
        /** Checks the length. */
        public PerGroup {
            if (length < 1) {
                throw new IllegalArgumentException("there are no groups of " + length + " values");
            }
        }
    }

    /** Values of a row that share parameters, but for a shorter last group. */
    default int groupLength(int columns) {
        return this instanceof PerGroup group ? Math.min(group.length(), columns) : columns;
    }
}
