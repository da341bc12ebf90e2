package dev.nibble.device.cpu;

/**
 * Puts one row of a panel of a type with blocks of 32 columns, as a file stores it, into the order of {@link TileLayout}. Where the
 * file's fields lie: see the decoders of package {@code quant}.
 */
final class FilePacking {
    private static final long LOW = 0x0f0f0f0f0f0f0f0fL;
    private static final long FIFTH = 0x1010101010101010L;
    private static final int SIGNS = 0x80808080;

    private FilePacking() {}

    /** Packs {@code blocks} blocks of 32 columns that begin at the position of {@code source}. */
    interface RowPacker {
        void pack(FileRows source, int blocks, PanelWords panel);
    }

    /** 18 bytes: scale, four words of four bits. */
    static void q4WithScale(FileRows source, int blocks, PanelWords panel) {
        blocks(source, blocks, 1, 4, 0, panel);
    }

    /** 20 bytes: scale, offset, four words of four bits. */
    static void q4WithScaleAndOffset(FileRows source, int blocks, PanelWords panel) {
        blocks(source, blocks, 2, 4, 0, panel);
    }

    /** 34 bytes: scale, eight words of signed bytes. */
    static void q8WithScale(FileRows source, int blocks, PanelWords panel) {
        blocks(source, blocks, 1, 8, SIGNS, panel);
    }

    private static void blocks(FileRows source, int blocks, int halves, int words, int flipped, PanelWords panel) {
        int from = 0;
        int line = 0;
        for (int b = 0; b < blocks; b++) {
            for (int i = 0; i < halves; i++) {
                panel.half(line++, source.half(from));
                from += Short.BYTES;
            }
            for (int i = 0; i < words; i++) {
                panel.word(line, source.word(from) ^ flipped);
                line += 2;
                from += Integer.BYTES;
            }
        }
    }

    /** 17 bytes: exponent, four words of four bits. Exponents of two blocks share a line at the head. */
    static void mxfp4(FileRows source, int blocks, PanelWords panel) {
        for (int b = 0; b < blocks; b++) {
            panel.half(b / 2, source.octet(17 * b) << b % 2 * 8);
            for (int i = 0; i < 4; i++) {
                int word = 0;
                for (int c = 3; c >= 0; c--) {
                    word = word << 8 | source.octet(17 * b + 1 + 4 * i + c);
                }
                panel.word(4 + 8 * b + 2 * i, word);
            }
        }
    }

    /** 22 bytes: scale, a word of fifth bits, four words of four bits. */
    static void q5WithScale(FileRows source, int blocks, PanelWords panel) {
        fiveBitBlocks(source, blocks, 1, panel);
    }

    /** 24 bytes: scale, offset, a word of fifth bits, four words of four bits. */
    static void q5WithScaleAndOffset(FileRows source, int blocks, PanelWords panel) {
        fiveBitBlocks(source, blocks, 2, panel);
    }

    private static void fiveBitBlocks(FileRows source, int blocks, int halves, PanelWords panel) {
        int from = 0;
        int line = 0;
        for (int b = 0; b < blocks; b++) {
            for (int i = 0; i < halves; i++) {
                panel.half(line++, source.half(from));
                from += Short.BYTES;
            }
            int fifth = source.word(from);
            long first = source.doubleWord(from + 4);
            long second = source.doubleWord(from + 12);
            WordPacking.fiveBits(
                    first & LOW | Long.expand(fifth, FIFTH),
                    second & LOW | Long.expand(fifth >>> 8, FIFTH),
                    first >>> 4 & LOW | Long.expand(fifth >>> 16, FIFTH),
                    second >>> 4 & LOW | Long.expand(fifth >>> 24, FIFTH),
                    panel,
                    line);
            line += 2 * 5;
            from += 20;
        }
    }
}
