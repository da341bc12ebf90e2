package dev.nibble.device.cpu;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Puts one row of a panel, as a file stores it, into the order of {@link ScaleForm} and {@link QuantForm}. Works on words of 32
 * bits, without touching single weights. Where the file's fields lie: see the decoders of package {@code quant}.
 */
final class FilePacking {
    private static final ValueLayout.OfInt WORD = ValueLayout.JAVA_INT_UNALIGNED;
    private static final ValueLayout.OfShort HALF = ValueLayout.JAVA_SHORT_UNALIGNED;
    private static final int LOW = 0x0f0f0f0f;
    private static final int BITS = 0x01010101;

    private FilePacking() {}

    /** Packs {@code blocks} blocks of 32 columns that begin at {@code at}. */
    interface RowPacker {
        void pack(MemorySegment source, long at, int blocks, PanelWords panel);
    }

    /** 18 bytes: scale, four words of four bits. */
    static void q4WithScale(MemorySegment source, long at, int blocks, PanelWords panel) {
        blocks(source, at, blocks, 1, 4, panel);
    }

    /** 20 bytes: scale, offset, four words of four bits. */
    static void q4WithScaleAndOffset(MemorySegment source, long at, int blocks, PanelWords panel) {
        blocks(source, at, blocks, 2, 4, panel);
    }

    /** 34 bytes: scale, eight words of bytes. */
    static void q8WithScale(MemorySegment source, long at, int blocks, PanelWords panel) {
        blocks(source, at, blocks, 1, 8, panel);
    }

    private static void blocks(MemorySegment source, long at, int blocks, int halves, int words, PanelWords panel) {
        long from = at;
        for (int b = 0; b < blocks; b++) {
            for (int i = 0; i < halves; i++) {
                panel.half(i * blocks + b, source.get(HALF, from));
                from += Short.BYTES;
            }
            for (int i = 0; i < words; i++) {
                panel.word(halves * blocks + 2 * (b * words + i), source.get(WORD, from));
                from += Integer.BYTES;
            }
        }
    }

    /** 22 bytes: scale, a word of fifth bits, four words of four bits. */
    static void q5WithScale(MemorySegment source, long at, int blocks, PanelWords panel) {
        fiveBitBlocks(source, at, blocks, 1, panel);
    }

    /** 24 bytes: scale, offset, a word of fifth bits, four words of four bits. */
    static void q5WithScaleAndOffset(MemorySegment source, long at, int blocks, PanelWords panel) {
        fiveBitBlocks(source, at, blocks, 2, panel);
    }

    private static void fiveBitBlocks(MemorySegment source, long at, int blocks, int halves, PanelWords panel) {
        long from = at;
        for (int b = 0; b < blocks; b++) {
            for (int i = 0; i < halves; i++) {
                panel.half(i * blocks + b, source.get(HALF, from));
                from += Short.BYTES;
            }
            int line = halves * blocks + 2 * b * 5;
            int columnBits = source.get(WORD, from);
            int high = 0;
            for (int g = 0; g < 8; g++) {
                // Bit i of four goes to bit 0 of byte i.
                high |= ((columnBits >>> 4 * g & 15) * 0x00204081 & BITS) << g;
            }
            for (int g = 0; g < 4; g++) {
                from += Integer.BYTES;
                panel.word(line + 2 * g, source.get(WORD, from));
            }
            panel.word(line + 8, high);
            from += Integer.BYTES;
        }
    }

    /** Q2_K: 84 bytes for 256 columns. */
    static void q2k(MemorySegment source, long at, int blocks, PanelWords panel) {
        panel.half(0, source.get(HALF, at + 80));
        panel.half(1, source.get(HALF, at + 82) ^ 0x8000);
        for (int i = 0; i < 4; i++) {
            panel.word(2 + 2 * i, source.get(WORD, at + 4 * i));
        }
        for (int i = 0; i < 16; i++) {
            panel.word(10 + 2 * i, source.get(WORD, at + 16 + 4 * i));
        }
    }

    /** Q3_K: 110 bytes for 256 columns. */
    static void q3k(MemorySegment source, long at, int blocks, PanelWords panel) {
        panel.half(0, source.get(HALF, at + 108));
        for (int i = 0; i < 3; i++) {
            panel.word(1 + 2 * i, source.get(WORD, at + 96 + 4 * i));
        }
        for (int half = 0; half < 2; half++) {
            for (int g = 0; g < 4; g++) {
                int line = 7 + 2 * (12 * half + 3 * g);
                panel.word(line, source.get(WORD, at + 32 + 32 * half + 4 * g));
                panel.word(line + 2, source.get(WORD, at + 48 + 32 * half + 4 * g));
                int first = source.get(WORD, at + 4 * g) >>> 4 * half & LOW;
                int second = source.get(WORD, at + 16 + 4 * g) >>> 4 * half & LOW;
                panel.word(line + 4, first | second << 4);
            }
        }
    }

    /** Q4_K: 144 bytes for 256 columns. */
    static void q4k(MemorySegment source, long at, int blocks, PanelWords panel) {
        scalesAndMinima(source, at, panel);
        for (int b = 0; b < 8; b++) {
            for (int g = 0; g < 4; g++) {
                panel.word(10 + 2 * (4 * b + g), fourBits(source, at + 16 + b / 2 * 32 + 4 * g, b % 2));
            }
        }
    }

    /** Q5_K: 176 bytes for 256 columns. */
    static void q5k(MemorySegment source, long at, int blocks, PanelWords panel) {
        scalesAndMinima(source, at, panel);
        for (int b = 0; b < 8; b++) {
            int high = 0;
            for (int g = 0; g < 8; g++) {
                high |= (source.get(WORD, at + 16 + 4 * g) >>> b & BITS) << g;
            }
            for (int g = 0; g < 4; g++) {
                panel.word(10 + 2 * (5 * b + g), fourBits(source, at + 48 + b / 2 * 32 + 4 * g, b % 2));
            }
            panel.word(10 + 2 * (5 * b + 4), high);
        }
    }

    /** Joins the low or high halves of a word of columns 4 g + i and of the one of columns 16 + 4 g + i. */
    private static int fourBits(MemorySegment source, long at, int high) {
        int first = source.get(WORD, at) >>> 4 * high & LOW;
        int second = source.get(WORD, at + 16) >>> 4 * high & LOW;
        return first | second << 4;
    }

    /** What Q4_K and Q5_K begin with: d, dmin and six bits for each scale and minimum, here widened to bytes. */
    private static void scalesAndMinima(MemorySegment source, long at, PanelWords panel) {
        panel.half(0, source.get(HALF, at));
        panel.half(1, source.get(HALF, at + 2) ^ 0x8000);
        int scales = source.get(WORD, at + 4);
        int minima = source.get(WORD, at + 8);
        int rest = source.get(WORD, at + 12);
        panel.word(2, scales & 0x3f3f3f3f);
        panel.word(4, rest & LOW | (scales >>> 6 & 0x03030303) << 4);
        panel.word(6, minima & 0x3f3f3f3f);
        panel.word(8, rest >>> 4 & LOW | (minima >>> 6 & 0x03030303) << 4);
    }

    /** Q6_K: 210 bytes for 256 columns. */
    static void q6k(MemorySegment source, long at, int blocks, PanelWords panel) {
        panel.half(0, source.get(HALF, at + 208));
        for (int i = 0; i < 4; i++) {
            panel.word(1 + 2 * i, source.get(WORD, at + 192 + 4 * i));
        }
        for (int half = 0; half < 2; half++) {
            for (int g = 0; g < 8; g++) {
                int line = 9 + 2 * (24 * half + 3 * g);
                panel.word(line, source.get(WORD, at + 64 * half + 4 * g));
                panel.word(line + 2, source.get(WORD, at + 64 * half + 32 + 4 * g));
                panel.word(line + 4, source.get(WORD, at + 128 + 32 * half + 4 * g));
            }
        }
    }

    /** IQ4_XS: 136 bytes for 256 columns; scales of six bits, less 32, are widened to bytes. */
    static void iq4xs(MemorySegment source, long at, int blocks, PanelWords panel) {
        panel.half(0, source.get(HALF, at));
        int high = source.get(HALF, at + 2);
        int low = source.get(WORD, at + 4);
        for (int word = 0; word < 2; word++) {
            int scales = 0;
            for (int b = 3; b >= 0; b--) {
                int block = 4 * word + b;
                int scale = (low >>> 4 * block & 15 | (high >>> 2 * block & 3) << 4) - 32;
                scales = scales << 8 | scale & 0xff;
            }
            panel.word(1 + 2 * word, scales);
        }
        for (int i = 0; i < 32; i++) {
            panel.word(5 + 2 * i, source.get(WORD, at + 8 + 4 * i));
        }
    }
}
