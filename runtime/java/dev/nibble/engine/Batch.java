package dev.nibble.engine;

import java.util.LinkedHashMap;
import java.util.Map;

/** What one step computes: rows of tokens, each at its position in the sequence of its slot, and which of them give logits. */
final class Batch {
    private final int[] ids;
    private final int[] positions;
    private final int[] slots;
    private final int[] outputs;
    private int rows;
    private int outputCount;
    private boolean ranked;

    Batch(int rowLimit, int outputLimit) {
        ids = new int[rowLimit];
        positions = new int[rowLimit];
        slots = new int[rowLimit];
        outputs = new int[outputLimit];
    }

    void clear() {
        rows = 0;
        outputCount = 0;
        ranked = false;
    }

    /** Adds a row that gives no logits. */
    void add(int token, int position, int slot) {
        ids[rows] = token;
        positions[rows] = position;
        slots[rows] = slot;
        rows++;
    }

    /** Adds a row that gives logits; returns their place among the outputs. */
    int addOutput(int token, int position, int slot) {
        outputs[outputCount] = rows;
        add(token, position, slot);
        return outputCount++;
    }

    /** Has the largest logits of each output ranked, not only the largest found. */
    void rank() {
        ranked = true;
    }

    boolean isRanked() {
        return ranked;
    }

    /** Whether every row gives its best token, so that the rows of the next step are known on the device. */
    boolean givesBest() {
        return rows > 0 && rows == outputCount && !ranked;
    }

    /** The slots of the rows, and how many tokens each one's sequence has after the batch, up to its last row. */
    Map<Integer, Integer> lengths() {
        Map<Integer, Integer> lengths = new LinkedHashMap<>();
        for (int row = 0; row < rows; row++) {
            lengths.merge(slots[row], positions[row] + 1, Math::max);
        }
        return lengths;
    }

    boolean isEmpty() {
        return rows == 0;
    }

    int rows() {
        return rows;
    }

    int freeRows() {
        return ids.length - rows;
    }

    int outputCount() {
        return outputCount;
    }

    int freeOutputs() {
        return outputs.length - outputCount;
    }

    /** Token ids (rows). */
    int[] ids() {
        return ids;
    }

    /** Positions in their sequences (rows). */
    int[] positions() {
        return positions;
    }

    /** Slots of their sequences (rows). */
    int[] slots() {
        return slots;
    }

    /** Row numbers of the outputs (outputCount). */
    int[] outputs() {
        return outputs;
    }
}
