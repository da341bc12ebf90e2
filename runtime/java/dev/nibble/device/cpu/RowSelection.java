package dev.nibble.device.cpu;

import org.jspecify.annotations.Nullable;

/**
 * Which rows a product reads and writes.
 *
 * @param count the number of rows
 * @param inputs the row of activations of each; none: row i
 * @param outputs the row of results of each; none: row i
 */
record RowSelection(int count, int @Nullable [] inputs, int @Nullable [] outputs) {
    /** The first rows. */
    static RowSelection first(int count) {
        return new RowSelection(count, null, null);
    }

    int input(int i) {
        return inputs == null ? i : inputs[i];
    }

    int output(int i) {
        return outputs == null ? i : outputs[i];
    }
}
