package dev.nibble.device.cpu;

import java.util.Arrays;

/**
 * A panel of a tile while it is packed. Its lines of 64 bytes hold 16 bits of each of the 32 rows: lane i of 16 has those of row i
 * in its low, those of row 16 + i in its high half. Its words, two lines long, hold 32 bits of each row.
 */
final class PanelWords {
    /** Bytes of a line. */
    static final int LINE = PackedMatrix.TILE_ROWS * Short.BYTES;

    /** Bytes of a word of all rows. */
    static final int WORD = PackedMatrix.TILE_ROWS * Integer.BYTES;

    private static final int LANES = LINE / Integer.BYTES;

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
        words[line * LANES + row] = bits;
    }

    /** Writes 16 bits of the chosen row to a line that is 0. */
    void half(int line, int bits) {
        words[line * LANES + row % LANES] |= (bits & 0xffff) << row / LANES * 16;
    }

    /** Writes four bits of the chosen row to a plane, a quarter of a line, that is 0: eight rows to 32 bits. */
    void nibble(int line, int plane, int bits) {
        words[line * LANES + 4 * plane + row / 8] |= (bits & 15) << 4 * (row % 8);
    }

    /** What was written, two halves to a word. */
    int[] words() {
        return words;
    }
}
