package dev.nibble.device.cpu;

import java.lang.foreign.MemorySegment;

/** How the integers of a block of 32 columns are stored, and what they are unpacked to. */
enum QuantForm {
    /** Two bits; see {@link TwoBitProducts}. */
    TWO_BITS(2, 0, Sums.PAIRS_OF_HALF_BLOCKS, ShiftedActivations.TWO_BITS) {
        @Override
        void unpack(MemorySegment tile, int offset, int b, TileWorkspace workspace) {
            WordUnpacking.fields(tile, offset, words(), 2, 8, zero(), workspace.weights, pairsAt(b));
        }
    },

    /** Three bits, 4 means 0; see {@link ThreeBitProducts}. */
    THREE_BITS(3, 4, Sums.PAIRS_OF_HALF_BLOCKS, ShiftedActivations.THREE_BITS) {
        @Override
        void unpack(MemorySegment tile, int offset, int b, TileWorkspace workspace) {
            WordUnpacking.threeBits(tile, offset, zero(), workspace.weights, pairsAt(b));
        }
    },

    /** Four bits, 8 means 0; see {@link FourBitProducts}. */
    FOUR_BITS(4, 8, Sums.PAIRS_OF_BLOCKS, ShiftedActivations.FOUR_BITS) {
        @Override
        void unpack(MemorySegment tile, int offset, int b, TileWorkspace workspace) {
            WordUnpacking.nibbles(tile, offset, workspace.weights, pairsAt(b));
        }
    },

    /** Four bits that choose a signed byte. */
    CODEBOOK(4, 0, Sums.FLOATS_OF_BLOCKS, ShiftedActivations.EIGHT_BITS) {
        @Override
        void unpack(MemorySegment tile, int offset, int b, TileWorkspace workspace) {
            CodebookProducts.expand(CodebookProducts.NONLINEAR, tile, offset, workspace.bytes, 0);
            EightBitProducts.unpack(workspace.bytes, 0, workspace.weights, floatsAt(b));
        }
    },

    /** Floats of four bits, E2M1, times 2. */
    E2M1(4, 0, Sums.FLOATS_OF_BLOCKS, ShiftedActivations.EIGHT_BITS) {
        @Override
        void unpack(MemorySegment tile, int offset, int b, TileWorkspace workspace) {
            CodebookProducts.expand(CodebookProducts.E2M1, tile, offset, workspace.bytes, 0);
            EightBitProducts.unpack(workspace.bytes, 0, workspace.weights, floatsAt(b));
        }
    },

    /** Five bits, 16 means 0; see {@link FiveBitProducts}. */
    FIVE_BITS(5, 16, Sums.PAIRS_OF_BLOCKS, ShiftedActivations.FIVE_BITS) {
        @Override
        void unpack(MemorySegment tile, int offset, int b, TileWorkspace workspace) {
            WordUnpacking.fields(tile, offset, words(), 5, 3, zero(), workspace.weights, pairsAt(b));
            WordUnpacking.spareBits(tile, offset, words(), zero(), workspace.weights, pairsAt(b));
        }
    },

    /** Six bits, 32 means 0; see {@link SixBitProducts}. */
    SIX_BITS(6, 32, Sums.PAIRS_OF_HALF_BLOCKS_IN_TWO, ShiftedActivations.SIX_BITS) {
        @Override
        void unpack(MemorySegment tile, int offset, int b, TileWorkspace workspace) {
            for (int h = 0; h < 2; h++) {
                int from = offset + 3 * h * PanelWords.WORD;
                int to = pairsAt(b) + 8 * h * PanelWords.WORD;
                WordUnpacking.fields(tile, from, 3, 6, 2, zero(), workspace.weights, to);
                WordUnpacking.spareSixBits(tile, from, zero(), workspace.weights, to);
            }
        }
    },

    /** Eight bits, 128 means 0; see {@link EightBitProducts}. */
    EIGHT_BITS(8, 128, Sums.FLOATS_OF_BLOCKS, ShiftedActivations.EIGHT_BITS) {
        @Override
        void unpack(MemorySegment tile, int offset, int b, TileWorkspace workspace) {
            EightBitProducts.unpack(tile, offset, workspace.weights, floatsAt(b));
        }
    };

    /** What the dot products of unpacked weights are. */
    enum Sums {
        /** 16 bits for the low and the high columns of the pairs of 32 columns, paired as a file's bytes have them. */
        PAIRS_OF_BLOCKS,
        /** 16 bits for each half block. */
        PAIRS_OF_HALF_BLOCKS,
        /** The same for the first and for the last eight columns of the half blocks. */
        PAIRS_OF_HALF_BLOCKS_IN_TWO,
        /** Exact integers as floats, for 32 columns. */
        FLOATS_OF_BLOCKS
    }

    private final int words;
    private final int zero;
    private final Sums sums;
    private final ShiftedActivations activations;

    /** @param words 32-bit words that a row of a block takes: its bits, as there are 32 columns */
    QuantForm(int words, int zero, Sums sums, ShiftedActivations activations) {
        this.words = words;
        this.zero = zero;
        this.sums = sums;
        this.activations = activations;
    }

    /** 32-bit words that a row of a block takes. */
    int words() {
        return words;
    }

    /** Bytes that a block takes. */
    int blockBytes() {
        return words * PanelWords.WORD;
    }

    /** The stored integer that means 0. */
    int zero() {
        return zero;
    }

    /** The form of the sums. */
    Sums sums() {
        return sums;
    }

    /** The pairs of activations that the unpacked pairs meet. */
    int[] pairs(QuantizedRows x) {
        return this == FOUR_BITS ? x.pairs : x.blockPairs;
    }

    /** What one token's activations must be brought to. */
    ShiftedActivations activations() {
        return activations;
    }

    /**
     * Unpacks a block, less {@link #zero}.
     *
     * @param tile the packed tile
     * @param offset where the block begins in it
     * @param b which block of the panel it is
     * @param workspace receives the weights
     */
    abstract void unpack(MemorySegment tile, int offset, int b, TileWorkspace workspace);

    private static int pairsAt(int b) {
        return b * QuantizedRows.BLOCK / 2 * PanelWords.WORD;
    }

    private static int floatsAt(int b) {
        return b * QuantizedRows.BLOCK * PanelWords.WORD;
    }
}
