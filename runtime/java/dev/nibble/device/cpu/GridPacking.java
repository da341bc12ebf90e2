package dev.nibble.device.cpu;

/**
 * {@link FilePacking} for the types of a {@link GridForm}, whose blocks of a file have 256 columns. Where the file's fields lie: see the
 * decoders of package {@code quant}.
 */
final class GridPacking {
    private static final int SEVENS = 0x7f7f7f7f;
    private static final int SPARE = 0x80808080;
    private static final int SEVEN_SIGNS = 0x0fffffff;

    private GridPacking() {}

    /** IQ1_S: 50 bytes. */
    static void iq1s(FileRows source, int blocks, PanelWords panel) {
        panel.half(0, source.half(0));
        for (int b = 0; b < blocks; b++) {
            int line = GridForm.IQ1_S.lineOf(b);
            int high = source.half(34 + 2 * b);
            iq1Numbers(source.word(2 + 4 * b), Integer.expand(high, 0x07070707), line, panel);
            panel.nibble(line + 2, 3, high >>> 12);
        }
    }

    /** IQ1_M: 56 bytes. */
    static void iq1m(FileRows source, int blocks, PanelWords panel) {
        for (int i = 0; i < 4; i++) {
            panel.half(i, source.half(48 + 2 * i));
        }
        for (int b = 0; b < blocks; b++) {
            int line = GridForm.IQ1_M.lineOf(b);
            int high = source.half(32 + 2 * b);
            iq1Numbers(source.word(4 * b), Integer.expand(high, 0x0f0f0f0f) & 0x07070707, line, panel);
            panel.nibble(line + 2, 3, Integer.compress(high, 0x8888));
        }
    }

    /** Four numbers, of which {@code low} and {@code high} have a byte each. */
    private static void iq1Numbers(int low, int high, int line, PanelWords panel) {
        int lowBytes = 0;
        int highBytes = 0;
        for (int shift = 0; shift < Integer.SIZE; shift += Byte.SIZE) {
            int number = GridTables.iq1Number(low >>> shift & 0xff | (high >>> shift & 0xff) << 8);
            lowBytes |= (number & 0xff) << shift;
            highBytes |= number >>> 8 << shift;
        }
        panel.word(line, lowBytes);
        for (int bit = 0; bit < 3; bit++) {
            panel.nibble(line + 2, bit, Integer.compress(highBytes >>> bit, 0x01010101));
        }
    }

    /** IQ2_XXS: 66 bytes. */
    static void iq2xxs(FileRows source, int blocks, PanelWords panel) {
        panel.half(0, source.half(0));
        for (int b = 0; b < blocks; b++) {
            int line = GridForm.IQ2_XXS.lineOf(b);
            panel.word(line, source.word(2 + 8 * b));
            panel.word(line + 2, signsAndScale(source.word(6 + 8 * b)));
        }
    }

    private static int signsAndScale(int word) {
        return Integer.expand(word & SEVEN_SIGNS, SEVENS) | Integer.expand(word >>> 28, SPARE);
    }

    /** IQ2_XS: 74 bytes. */
    static void iq2xs(FileRows source, int blocks, PanelWords panel) {
        panel.half(0, source.half(0));
        for (int b = 0; b < blocks; b++) {
            int line = GridForm.IQ2_XS.lineOf(b);
            long points = source.doubleWord(2 + 8 * b);
            long signs = points >>> 9 & 0x007f_007f_007f_007fL | points >>> 1 & 0x0080_0080_0080_0080L;
            panel.word(line, (int) Long.compress(points, 0x00ff_00ff_00ff_00ffL));
            panel.word(line + 2, (int) Long.compress(signs, 0x00ff_00ff_00ff_00ffL));
            int scales = byteAt(source, 66 + b);
            panel.nibble(1 + b / 2, 2 * (b % 2), scales);
            panel.nibble(1 + b / 2, 2 * (b % 2) + 1, scales >>> 4);
        }
    }

    /** IQ2_S: 82 bytes. */
    static void iq2s(FileRows source, int blocks, PanelWords panel) {
        panel.half(0, source.half(0));
        for (int b = 0; b < blocks; b++) {
            int line = GridForm.IQ2_S.lineOf(b);
            panel.word(line, source.word(2 + 4 * b));
            panel.word(line + 2, source.word(34 + 4 * b));
            int high = byteAt(source, 66 + b);
            int scales = byteAt(source, 74 + b);
            panel.nibble(line + 4, 0, Integer.compress(high, 0x55));
            panel.nibble(line + 4, 1, Integer.compress(high, 0xaa));
            panel.nibble(line + 4, 2, scales);
            panel.nibble(line + 4, 3, scales >>> 4);
        }
    }

    /** IQ3_XXS: 98 bytes. */
    static void iq3xxs(FileRows source, int blocks, PanelWords panel) {
        panel.half(0, source.half(0));
        for (int b = 0; b < blocks; b++) {
            int line = GridForm.IQ3_XXS.lineOf(b);
            numbers(source.doubleWord(2 + 8 * b), line, panel);
            panel.word(line + 4, signsAndScale(source.word(66 + 4 * b)));
        }
    }

    /** IQ3_S: 110 bytes. */
    static void iq3s(FileRows source, int blocks, PanelWords panel) {
        panel.half(0, source.half(0));
        for (int b = 0; b < blocks; b++) {
            int line = GridForm.IQ3_S.lineOf(b);
            numbers(source.doubleWord(2 + 8 * b), line, panel);
            panel.word(line + 4, source.word(74 + 4 * b));
            int high = byteAt(source, 66 + b);
            panel.nibble(1 + b / 2, 2 * (b % 2), Integer.compress(high, 0x55));
            panel.nibble(1 + b / 2, 2 * (b % 2) + 1, Integer.compress(high, 0xaa));
            panel.nibble(5 + b / 4, b % 4, byteAt(source, 106 + b / 2) >>> b % 2 * 4);
        }
    }

    /** Eight numbers of points of four columns: those of even points, then those of odd ones. */
    private static void numbers(long points, int line, PanelWords panel) {
        panel.word(line, (int) Long.compress(points, 0x00ff_00ff_00ff_00ffL));
        panel.word(line + 2, (int) Long.compress(points, 0xff00_ff00_ff00_ff00L));
    }

    private static int byteAt(FileRows source, int offset) {
        return source.half(offset & ~1) >>> offset % 2 * 8 & 0xff;
    }
}
