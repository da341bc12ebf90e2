package dev.nibble.device.cpu;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * How weights lie in memory: one row per form in which a file stores integers. A tile is 32 rows; along its columns it is cut
 * into panels of 256 (the last may be shorter), each with its scales followed by its integers, so that a product reads one
 * forward stream.
 */
enum TileLayout {
    /** 18 bytes: half precision scale, 16 bytes of four-bit numbers in the order of {@link NibbleProducts}. */
    Q4_0(ScaleForm.HALF, QuantForm.NIBBLE_AROUND_8) {
        @Override
        void pack(MemorySegment source, long at, int blocks, PanelWords panel) {
            blocksOfHalfScale(source, at, blocks, 4, panel);
        }
    },

    /** 34 bytes: half precision scale, 32 signed bytes. */
    Q8_0(ScaleForm.HALF, QuantForm.BYTE) {
        @Override
        void pack(MemorySegment source, long at, int blocks, PanelWords panel) {
            blocksOfHalfScale(source, at, blocks, 8, panel);
        }
    };

    static final ValueLayout.OfInt WORD = ValueLayout.JAVA_INT_UNALIGNED;
    static final ValueLayout.OfShort HALF = ValueLayout.JAVA_SHORT_UNALIGNED;

    private final ScaleForm scales;
    private final QuantForm quants;

    TileLayout(ScaleForm scales, QuantForm quants) {
        this.scales = scales;
        this.quants = quants;
    }

    ScaleForm scales() {
        return scales;
    }

    QuantForm quants() {
        return quants;
    }

    /** Bytes of a panel of {@code blocks} blocks of 32 columns. */
    int panelBytes(int blocks) {
        return (scales.lines(blocks) + quants.lines(blocks)) * PanelWords.LINE;
    }

    /**
     * Packs one row of a panel.
     *
     * @param source rows as the file stores them
     * @param at where the row's part begins
     * @param blocks blocks of 32 columns
     * @param panel receives the row that it has chosen
     */
    abstract void pack(MemorySegment source, long at, int blocks, PanelWords panel);

    private static void blocksOfHalfScale(MemorySegment source, long at, int blocks, int words, PanelWords panel) {
        long from = at;
        for (int b = 0; b < blocks; b++) {
            panel.half(b, source.get(HALF, from));
            from += Short.BYTES;
            for (int i = 0; i < words; i++) {
                panel.word(blocks + 2 * (b * words + i), source.get(WORD, from));
                from += Integer.BYTES;
            }
        }
    }
}
