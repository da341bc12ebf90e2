package dev.nibble.device.cpu;

/**
 * {@link FilePacking} for types with blocks of 256 columns, here called panels; their blocks are the parts of 32 columns. Columns are
 * taken eight at a time, a byte for each.
 */
final class SuperBlockPacking {
    private static final int LOW = 0x0f0f0f0f;
    private static final long LOW_BITS = 0x0f0f0f0f0f0f0f0fL;
    private static final long TWO_BITS = 0x0303030303030303L;
    private static final long ONE_BIT = 0x0101010101010101L;
    private static final int SIGN = 0x8000;

    private SuperBlockPacking() {}

    /** Q2_K: 84 bytes. */
    static void q2k(FileRows source, int blocks, PanelWords panel) {
        panel.half(0, source.half(80));
        panel.half(1, source.half(82) ^ SIGN);
        for (int b = 0; b < blocks; b++) {
            int line = 2 + b * (1 + 2 * 2);
            panel.half(line, source.half(2 * b));
            int from = 16 + b / 4 * 32;
            WordPacking.twoBits(
                    twoBits(source, from, b % 4),
                    twoBits(source, from + 8, b % 4),
                    twoBits(source, from + 16, b % 4),
                    twoBits(source, from + 24, b % 4),
                    panel,
                    line + 1);
        }
    }

    private static long twoBits(FileRows source, int at, int i) {
        return source.doubleWord(at) >>> 2 * i & TWO_BITS;
    }

    /** Q3_K: 110 bytes; scales of six bits are brought to bytes, less 32. */
    static void q3k(FileRows source, int blocks, PanelWords panel) {
        panel.half(0, source.half(108));
        for (int b = 0; b < blocks; b++) {
            int line = 1 + b * (1 + 2 * 3);
            int low = source.half(96 + 2 * (b % 4)) >>> b / 4 * 4 & 0x0f0f;
            int high = source.half(104 + 2 * (b % 2)) >>> b / 2 * 2 & 0x0303;
            panel.half(line, (low | high << 4) + 0x6060 ^ 0x8080);
            int from = 32 + b / 4 * 32;
            WordPacking.threeBits(
                    twoBits(source, from, b % 4) | oneBit(source, 0, b) << 2,
                    twoBits(source, from + 8, b % 4) | oneBit(source, 8, b) << 2,
                    twoBits(source, from + 16, b % 4) | oneBit(source, 16, b) << 2,
                    twoBits(source, from + 24, b % 4) | oneBit(source, 24, b) << 2,
                    panel,
                    line + 1);
        }
    }

    private static long oneBit(FileRows source, int at, int i) {
        return source.doubleWord(at) >>> i & ONE_BIT;
    }

    /** Q4_K: 144 bytes. */
    static void q4k(FileRows source, int blocks, PanelWords panel) {
        for (int b = 0; b < blocks; b++) {
            int line = 2 + b * (1 + 2 * 4);
            for (int g = 0; g < 4; g++) {
                int from = 16 + b / 2 * 32 + 4 * g;
                int first = source.word(from) >>> b % 2 * 4 & LOW;
                int second = source.word(from + 16) >>> b % 2 * 4 & LOW;
                panel.word(line + 1 + 2 * g, first | second << 4);
            }
        }
        scalesAndMinima(source, 1 + 2 * 4, panel);
    }

    /** Q5_K: 176 bytes. */
    static void q5k(FileRows source, int blocks, PanelWords panel) {
        for (int b = 0; b < blocks; b++) {
            int from = 48 + b / 2 * 32;
            WordPacking.fiveBits(
                    nibbles(source, from, b % 2) | oneBit(source, 16, b) << 4,
                    nibbles(source, from + 8, b % 2) | oneBit(source, 24, b) << 4,
                    nibbles(source, from + 16, b % 2) | oneBit(source, 32, b) << 4,
                    nibbles(source, from + 24, b % 2) | oneBit(source, 40, b) << 4,
                    panel,
                    3 + b * (1 + 2 * 5));
        }
        scalesAndMinima(source, 1 + 2 * 5, panel);
    }

    private static long nibbles(FileRows source, int at, int high) {
        return source.doubleWord(at) >>> 4 * high & LOW_BITS;
    }

    /** What Q4_K and Q5_K begin with: d, dmin and six bits for each scale and minimum, here brought to bytes. */
    private static void scalesAndMinima(FileRows source, int lines, PanelWords panel) {
        panel.half(0, source.half(0));
        panel.half(1, source.half(2) ^ SIGN);
        int scales = source.word(4);
        int minima = source.word(8);
        int rest = source.word(12);
        int lastScales = rest & LOW | (scales >>> 6 & 0x03030303) << 4;
        int lastMinima = rest >>> 4 & LOW | (minima >>> 6 & 0x03030303) << 4;
        for (int b = 0; b < 4; b++) {
            int scale = scales >>> 8 * b & 63;
            panel.half(2 + b * lines, scale | (minima >>> 8 * b & 63) << 8);
            scale = lastScales >>> 8 * b & 63;
            panel.half(2 + (4 + b) * lines, scale | (lastMinima >>> 8 * b & 63) << 8);
        }
    }

    /** Q6_K: 210 bytes. */
    static void q6k(FileRows source, int blocks, PanelWords panel) {
        panel.half(0, source.half(208));
        for (int b = 0; b < blocks; b++) {
            int line = 1 + b * (1 + 2 * 6);
            panel.half(line, source.half(192 + 2 * b));
            int low = b / 4 * 64 + b % 2 * 32;
            int high = 128 + b / 4 * 32;
            int nibble = b % 4 / 2;
            WordPacking.sixBits(
                    nibbles(source, low, nibble) | twoBits(source, high, b % 4) << 4,
                    nibbles(source, low + 8, nibble) | twoBits(source, high + 8, b % 4) << 4,
                    nibbles(source, low + 16, nibble) | twoBits(source, high + 16, b % 4) << 4,
                    nibbles(source, low + 24, nibble) | twoBits(source, high + 24, b % 4) << 4,
                    panel,
                    line + 1);
        }
    }

    /** IQ4_XS: 136 bytes; scales of six bits are brought to bytes, less 32. */
    static void iq4xs(FileRows source, int blocks, PanelWords panel) {
        panel.half(0, source.half(0));
        int high = source.half(2);
        int low = source.word(4);
        for (int i = 0; i < 4; i++) {
            int first = (low >>> 8 * i & 15 | (high >>> 4 * i & 3) << 4) - 32;
            int second = (low >>> 8 * i + 4 & 15 | (high >>> 4 * i + 2 & 3) << 4) - 32;
            panel.half(1 + i, first & 0xff | second << 8);
        }
        for (int i = 0; i < 4 * blocks; i++) {
            panel.word(5 + 2 * i, source.word(8 + 4 * i));
        }
    }
}
