package dev.nibble.device.cpu;

import java.lang.foreign.MemorySegment;

/**
 * How the scales of a panel are stored, before its integers. A weight is scale · integer, plus an offset in some types; scales
 * and offsets are decoded to floats, (group, row), where a group is a block of 32 columns or half of one.
 */
enum ScaleForm {
    /** A line of half precision scales for each block. */
    HALVES(1, 0, false) {
        @Override
        void decode(MemorySegment tile, int offset, int blocks, TileWorkspace workspace) {
            HalfFloats.widen(tile, offset, workspace.scales, blocks * ROWS);
        }
    },

    /** A line of half precision scales for each block, then a line of offsets for each. */
    HALVES_AND_OFFSETS(2, 0, true) {
        @Override
        void decode(MemorySegment tile, int offset, int blocks, TileWorkspace workspace) {
            HalfFloats.widen(tile, offset, workspace.scales, blocks * ROWS);
            HalfFloats.widen(tile, offset + blocks * PanelWords.LINE, workspace.offsets, blocks * ROWS);
        }
    },

    /** Half precision d and −dmin; eight bytes s, eight bytes m: block g has the scale d · s, the offset −dmin · m. */
    BYTES_AND_MINIMA(0, 10, true) {
        @Override
        void decode(MemorySegment tile, int offset, int blocks, TileWorkspace workspace) {
            float[] factors = workspace.factors;
            HalfFloats.widen(tile, offset, factors, 2 * ROWS);
            int bytes = offset + 2 * PanelWords.LINE;
            for (int word = 0; word < 2; word++) {
                GroupScales.fourBytes(tile, bytes + word * WORD, factors, 0, workspace.scales, 4 * word);
                GroupScales.fourBytes(tile, bytes + (2 + word) * WORD, factors, ROWS, workspace.offsets, 4 * word);
            }
        }
    },

    /** Half precision d; eight signed bytes s: block g has the scale d · s. */
    BYTES(0, 5, false) {
        @Override
        void decode(MemorySegment tile, int offset, int blocks, TileWorkspace workspace) {
            bytes(tile, offset, 2, workspace);
        }
    },

    /** Half precision d; sixteen signed bytes s: half block g has the scale d · s. */
    BYTES_OF_HALF_BLOCKS(0, 9, false) {
        @Override
        void decode(MemorySegment tile, int offset, int blocks, TileWorkspace workspace) {
            bytes(tile, offset, 4, workspace);
        }
    },

    /** Half precision d and −dmin; sixteen bytes s + 16 m: half block g has the scale d · s, the offset −dmin · m. */
    NIBBLES_OF_HALF_BLOCKS(0, 10, true) {
        @Override
        void decode(MemorySegment tile, int offset, int blocks, TileWorkspace workspace) {
            float[] factors = workspace.factors;
            HalfFloats.widen(tile, offset, factors, 2 * ROWS);
            for (int word = 0; word < 4; word++) {
                int at = offset + 2 * PanelWords.LINE + word * WORD;
                GroupScales.fourNibbles(tile, at, factors, workspace.scales, workspace.offsets, 4 * word);
            }
        }
    },

    /** Half precision d; sixteen scales s of six bits as a file has them: half block g has the scale d · (s − 32). */
    SIX_BITS_OF_HALF_BLOCKS(0, 7, false) {
        @Override
        void decode(MemorySegment tile, int offset, int blocks, TileWorkspace workspace) {
            HalfFloats.widen(tile, offset, workspace.factors, ROWS);
            int low = offset + PanelWords.LINE;
            for (int g = 0; g < 4; g++) {
                GroupScales.fourOfSixBits(
                        tile,
                        low + g % 2 * WORD,
                        g / 2 * 4,
                        low + 2 * WORD,
                        2 * g,
                        workspace.factors,
                        workspace.scales,
                        4 * g);
            }
        }
    };

    private static final int ROWS = PackedMatrix.TILE_ROWS;
    private static final int WORD = 2 * PanelWords.LINE;

    private final int linesPerBlock;
    private final int linesPerPanel;
    private final boolean hasOffsets;

    ScaleForm(int linesPerBlock, int linesPerPanel, boolean hasOffsets) {
        this.linesPerBlock = linesPerBlock;
        this.linesPerPanel = linesPerPanel;
        this.hasOffsets = hasOffsets;
    }

    /** Lines of 64 bytes that the scales of a panel take. */
    int lines(int blocks) {
        return linesPerPanel + blocks * linesPerBlock;
    }

    /** Whether weights have offsets. */
    boolean hasOffsets() {
        return hasOffsets;
    }

    /**
     * Turns the scales (and offsets) of a panel into floats.
     *
     * @param tile the packed tile
     * @param offset where the panel begins in it
     * @param blocks blocks of 32 columns in the panel
     * @param workspace receives scales and offsets
     */
    abstract void decode(MemorySegment tile, int offset, int blocks, TileWorkspace workspace);

    private static void bytes(MemorySegment tile, int offset, int words, TileWorkspace workspace) {
        HalfFloats.widen(tile, offset, workspace.factors, ROWS);
        for (int word = 0; word < words; word++) {
            int at = offset + PanelWords.LINE + word * WORD;
            GroupScales.fourBytes(tile, at, workspace.factors, 0, workspace.scales, 4 * word);
        }
    }
}
