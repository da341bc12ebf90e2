package dev.nibble.device.cpu;

import java.util.Arrays;

/**
 * A panel of a tile while it is packed. Its lines of 64 bytes hold 16 bits of each of the 32 rows, its words, two lines long, 32
 * bits of each row, so that a vector loaded from the panel has a row in each lane.
 */
final class PanelWords {
    /** Bytes of a line. */
    static final int LINE = PackedMatrix.TILE_ROWS * Short.BYTES;

    private final int[] words = new int[PackedMatrix.PANEL * 10];
    private int row;

    /** Sets the first bytes to 0. */
    void clear(int bytes) {
        Arrays.fill(words, 0, bytes / Integer.BYTES, 0);
    }

    /** Chooses the row that is written next. */
    void row(int row) {
        this.row = row;
    }

    /** Writes 32 bits of the chosen row to the two lines from {@code line} on. */
    void word(int line, int bits) {
        words[line * (LINE / Integer.BYTES) + row] = bits;
    }

    /** Writes 16 bits of the chosen row to a line that is 0. */
    void half(int line, int bits) {
        words[line * (LINE / Integer.BYTES) + row / 2] |= (bits & 0xffff) << row % 2 * 16;
    }

    /** What was written, two halves to a word. */
    int[] words() {
        return words;
    }
}
