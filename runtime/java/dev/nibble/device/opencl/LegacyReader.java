package dev.nibble.device.opencl;

/**
 * Types with blocks of 32 columns: a half precision scale and, in some, a half precision offset; a word of fifth bits in some; then
 * the quants.
 *
 * @param bytes of a block
 * @param form what follows the scale
 */
record LegacyReader(int bytes, Form form) implements BlockReader {
    private static final int LOW = 0x0f0f0f0f;
    private static final int FIRST_BITS = 0x01010101;
    private static final int SIGNS = 0x80808080;

    /** What a block holds. */
    enum Form {
        /** Scale, quants of four bits. */
        FOUR_BITS,
        /** Scale, offset, quants of four bits. */
        FOUR_BITS_AND_OFFSET,
        /** Scale, fifth bits, quants of four bits. */
        FIVE_BITS,
        /** Scale, offset, fifth bits, quants of four bits. */
        FIVE_BITS_AND_OFFSET,
        /** Scale, quants of eight bits. */
        EIGHT_BITS,
        /** A byte of an exponent, quants of four bits. */
        FOUR_BITS_AND_EXPONENT;

        boolean hasOffset() {
            return this == FOUR_BITS_AND_OFFSET || this == FIVE_BITS_AND_OFFSET;
        }

        boolean hasFifth() {
            return this == FIVE_BITS || this == FIVE_BITS_AND_OFFSET;
        }
    }

    @Override
    public void quants(FileBlocks file, int block, int[] quants) {
        int at = block * bytes + bytes - (form == Form.EIGHT_BITS ? 32 : 16);
        if (form == Form.EIGHT_BITS) {
            for (int i = 0; i < 8; i++) {
                quants[i] = file.word(at + 4 * i) ^ SIGNS;
            }
            return;
        }
        int fifth = form.hasFifth() ? file.word(at - 4) : 0;
        for (int i = 0; i < 4; i++) {
            int word = file.word(at + 4 * i);
            quants[i] = word & LOW | Integer.expand(fifth >>> 4 * i, FIRST_BITS) << 4;
            quants[4 + i] = word >>> 4 & LOW | Integer.expand(fifth >>> 16 + 4 * i, FIRST_BITS) << 4;
        }
    }

    @Override
    public void scales(FileBlocks file, int blocks, int step, PanelLines lines) {
        for (int b = 0; b < blocks; b++) {
            if (form == Form.FOUR_BITS_AND_EXPONENT) {
                lines.octet(b * PanelLines.ROWS, file.octet(b * bytes));
                continue;
            }
            lines.half(b * step, file.half(b * bytes));
            if (form.hasOffset()) {
                lines.half(b * step + PanelLines.LINE, file.half(b * bytes + 2));
            }
        }
    }
}
