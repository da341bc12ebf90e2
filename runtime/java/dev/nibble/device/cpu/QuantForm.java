package dev.nibble.device.cpu;

import java.lang.foreign.MemorySegment;

/** How the integers of a panel are stored, after its scales, and how they are multiplied. */
enum QuantForm {
    /** Four bits, 8 means 0. */
    NIBBLE_AROUND_8(8, Sums.PAIRS_PER_BLOCK) {
        @Override
        void unpack(MemorySegment tile, int offset, int blocks, TileWorkspace workspace) {
            NibbleProducts.unpack(tile, offset, blocks, 8, workspace.weights);
        }

        @Override
        void multiply(MemorySegment tile, int offset, int blocks, QuantizedRows x, int at, TileWorkspace workspace) {
            NibbleProducts.multiply(tile, offset, blocks, x.pairs, at / 2, x.pairSums, 8, workspace.pairSums);
        }
    },

    /** Eight bits, signed. */
    BYTE(16, Sums.FLOATS_PER_BLOCK) {
        @Override
        void unpack(MemorySegment tile, int offset, int blocks, TileWorkspace workspace) {
            ByteProducts.unpack(tile, offset, blocks, workspace.weights);
        }

        @Override
        void multiply(MemorySegment tile, int offset, int blocks, QuantizedRows x, int at, TileWorkspace workspace) {
            ByteProducts.multiply(tile, offset, blocks, x.pairs, at / 2, workspace.floatSums);
        }
    };

    /** What the dot products of unpacked weights are. */
    enum Sums {
        /** 16 bits for the low and the high columns of the pairs of 32 columns. */
        PAIRS_PER_BLOCK,
        /** 16 bits for the low and the high columns of the pairs of 16 columns. */
        PAIRS_PER_HALF_BLOCK,
        /** Exact integers as floats, for 32 columns. */
        FLOATS_PER_BLOCK
    }

    private final int linesPerBlock;
    private final Sums sums;

    QuantForm(int linesPerBlock, Sums sums) {
        this.linesPerBlock = linesPerBlock;
        this.sums = sums;
    }

    /** Lines of 64 bytes that the integers of {@code blocks} blocks of 32 columns take. */
    int lines(int blocks) {
        return blocks * linesPerBlock;
    }

    /** The form of the sums. */
    Sums sums() {
        return sums;
    }

    /**
     * Unpacks blocks for the products with many tokens.
     *
     * @param tile the packed tile
     * @param offset where the blocks begin in it
     * @param workspace receives the weights
     */
    abstract void unpack(MemorySegment tile, int offset, int blocks, TileWorkspace workspace);

    /**
     * Multiplies blocks by one token.
     *
     * @param tile the packed tile
     * @param offset where the blocks begin in it
     * @param at where their first column stands in {@link QuantizedRows#integers}
     * @param workspace receives the sums as those of the first of its tokens, the groups one after another
     */
    abstract void multiply(
            MemorySegment tile, int offset, int blocks, QuantizedRows x, int at, TileWorkspace workspace);
}
