package dev.nibble.device.cpu;

/**
 * Packs a block of 32 columns to words. Columns come eight at a time, a byte for each; half words are made of 16 columns: the low
 * half of a word of the first 16, its high half of the others.
 */
final class WordPacking {
    private static final long BYTES = 0x0101010101010101L;
    private static final int FIFTEEN = 0x7fff;
    private static final int TWELVE = 0xfff;
    private static final int SIX = 0x3f;

    private WordPacking() {}

    /** Two words, as {@link TwoBitProducts} reads them. */
    static void twoBits(long a, long b, long c, long d, PanelWords panel, int line) {
        panel.word(line, (int) (Long.compress(a, 3 * BYTES) | Long.compress(c, 3 * BYTES) << 16));
        panel.word(line + 2, (int) (Long.compress(b, 3 * BYTES) | Long.compress(d, 3 * BYTES) << 16));
    }

    /** Three words, as {@link ThreeBitProducts} reads them. */
    static void threeBits(long a, long b, long c, long d, PanelWords panel, int line) {
        long low = Long.compress(a, 7 * BYTES) | Long.compress(b, 7 * BYTES) << 24;
        long high = Long.compress(c, 7 * BYTES) | Long.compress(d, 7 * BYTES) << 24;
        for (int j = 0; j < 3; j++) {
            panel.word(line + 2 * j, threeBits(low, j) | threeBits(high, j) << 16);
        }
    }

    private static int threeBits(long columns, int j) {
        int fields = (int) (columns >>> 12 * j & SIX | (columns >>> 12 * j + 6 & SIX) << 8);
        int first = (int) (columns >>> 36);
        int second = first >>> 6;
        return fields
                | switch (j) {
                    case 0 -> (first & 3) << 6 | (first >>> 3 & 3) << 14;
                    case 1 -> (second & 3) << 6 | (second >>> 3 & 3) << 14;
                    default -> (first & 4) << 4 | (second & 4) << 5 | (first & 32) << 9 | (second & 32) << 10;
                };
    }

    /** Five words, as {@link FiveBitProducts} reads them. */
    static void fiveBits(long a, long b, long c, long d, PanelWords panel, int line) {
        long a8 = Long.compress(a, 31 * BYTES);
        long b8 = Long.compress(b, 31 * BYTES);
        long c8 = Long.compress(c, 31 * BYTES);
        long d8 = Long.compress(d, 31 * BYTES);
        for (int j = 0; j < 5; j++) {
            panel.word(line + 2 * j, fiveBits(a8, b8, j) | fiveBits(c8, d8, j) << 16);
        }
    }

    /** Columns 3 j … 3 j + 2 of 16 and bit j of the last; columns 8 … 15 begin at bit 40. */
    private static int fiveBits(long first, long second, int j) {
        long columns = j < 2 ? first >>> 15 * j : j == 2 ? first >>> 30 | second << 10 : second >>> 15 * j - 40;
        return (int) columns & FIFTEEN | (int) (second >>> 35 + j & 1) << 15;
    }

    /** Six words, as {@link SixBitProducts} reads them. */
    static void sixBits(long a, long b, long c, long d, PanelWords panel, int line) {
        sixBits(Long.compress(a, 63 * BYTES), Long.compress(c, 63 * BYTES), panel, line);
        sixBits(Long.compress(b, 63 * BYTES), Long.compress(d, 63 * BYTES), panel, line + 6);
    }

    private static void sixBits(long low, long high, PanelWords panel, int line) {
        panel.word(line, sixBits(low, 0, low >>> 36 & 15) | sixBits(high, 0, high >>> 36 & 15) << 16);
        panel.word(line + 2, sixBits(low, 1, topBits(low)) | sixBits(high, 1, topBits(high)) << 16);
        panel.word(line + 4, sixBits(low, 2, low >>> 42 & 15) | sixBits(high, 2, high >>> 42 & 15) << 16);
    }

    private static int sixBits(long columns, int j, long spare) {
        return (int) (columns >>> 12 * j) & TWELVE | (int) spare << 12;
    }

    /** The two top bits of columns 6 and 7. */
    private static long topBits(long columns) {
        return columns >>> 40 & 3 | (columns >>> 46 & 3) << 2;
    }
}
