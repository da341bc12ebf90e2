package dev.nibble.device.cpu;

import java.lang.foreign.MemorySegment;

/** How the integers of a panel are stored, after its scales, and how they are multiplied. */
enum QuantForm {
    /** Two bits. */
    TWO_BITS(4, 0, Sums.PAIRS_PER_HALF_BLOCK) {
        @Override
        void unpack(MemorySegment tile, int offset, int blocks, TileWorkspace workspace) {
            BytePlanes.unpackTwoBits(tile, offset, blocks, workspace.weights);
        }
    },

    /** Three bits, 4 means 0. */
    THREE_BITS_AROUND_4(6, 0, Sums.PAIRS_PER_HALF_BLOCK) {
        @Override
        void unpack(MemorySegment tile, int offset, int blocks, TileWorkspace workspace) {
            BytePlanes.unpackThreeBits(tile, offset, blocks, workspace.weights);
        }
    },

    /** Four bits. */
    FOUR_BITS(8, 0, Sums.PAIRS_PER_BLOCK) {
        @Override
        void unpack(MemorySegment tile, int offset, int blocks, TileWorkspace workspace) {
            NibbleProducts.unpack(tile, offset, blocks, 0, workspace.weights);
        }

        @Override
        void multiply(MemorySegment tile, int offset, int blocks, QuantizedRows x, int at, TileWorkspace workspace) {
            NibbleProducts.multiply(tile, offset, blocks, x.pairs, at / 2, x.pairSums, 0, workspace.pairSums);
        }
    },

    /** Four bits, 8 means 0. */
    FOUR_BITS_AROUND_8(8, 0, Sums.PAIRS_PER_BLOCK) {
        @Override
        void unpack(MemorySegment tile, int offset, int blocks, TileWorkspace workspace) {
            NibbleProducts.unpack(tile, offset, blocks, 8, workspace.weights);
        }

        @Override
        void multiply(MemorySegment tile, int offset, int blocks, QuantizedRows x, int at, TileWorkspace workspace) {
            NibbleProducts.multiply(tile, offset, blocks, x.pairs, at / 2, x.pairSums, 8, workspace.pairSums);
        }
    },

    /** Four bits that choose a signed byte. */
    CODEBOOK(8, 0, Sums.FLOATS_PER_BLOCK) {
        @Override
        void unpack(MemorySegment tile, int offset, int blocks, TileWorkspace workspace) {
            CodebookProducts.expand(tile, offset, blocks, workspace.bytes);
            ByteProducts.unpack(workspace.bytes, 0, blocks, workspace.weights);
        }

        @Override
        void multiply(MemorySegment tile, int offset, int blocks, QuantizedRows x, int at, TileWorkspace workspace) {
            CodebookProducts.expand(tile, offset, blocks, workspace.bytes);
            ByteProducts.multiply(workspace.bytes, 0, blocks, x.pairs, at / 2, workspace.floatSums);
        }
    },

    /** Five bits; multiplied less 16, which the offset makes up for. */
    FIVE_BITS(10, 16, Sums.PAIRS_PER_BLOCK) {
        @Override
        void unpack(MemorySegment tile, int offset, int blocks, TileWorkspace workspace) {
            BytePlanes.unpackFiveBits(tile, offset, blocks, 16, workspace.weights);
        }
    },

    /** Five bits, 16 means 0. */
    FIVE_BITS_AROUND_16(10, 0, Sums.PAIRS_PER_BLOCK) {
        @Override
        void unpack(MemorySegment tile, int offset, int blocks, TileWorkspace workspace) {
            BytePlanes.unpackFiveBits(tile, offset, blocks, 16, workspace.weights);
        }
    },

    /** Six bits, 32 means 0. */
    SIX_BITS_AROUND_32(12, 0, Sums.PAIRS_PER_HALF_BLOCK) {
        @Override
        void unpack(MemorySegment tile, int offset, int blocks, TileWorkspace workspace) {
            BytePlanes.unpackSixBits(tile, offset, blocks, workspace.weights);
        }
    },

    /** Eight bits, signed. */
    EIGHT_BITS(16, 0, Sums.FLOATS_PER_BLOCK) {
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

    /** Blocks that are unpacked at once: small enough for the first-level cache, as floats too. */
    static final int CHUNK = 4;

    private final int linesPerBlock;
    private final int bias;
    private final Sums sums;

    QuantForm(int linesPerBlock, int bias, Sums sums) {
        this.linesPerBlock = linesPerBlock;
        this.bias = bias;
        this.sums = sums;
    }

    /** Bytes that the integers of {@code blocks} blocks of 32 columns take. */
    int bytes(int blocks) {
        return blocks * linesPerBlock * PanelWords.LINE;
    }

    /** What is taken from the integers before they are multiplied, and must be made up for in the offsets. */
    int bias() {
        return bias;
    }

    /** The form of the sums. */
    Sums sums() {
        return sums;
    }

    /**
     * Unpacks at most {@link #CHUNK} blocks.
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
     * @param workspace receives the sums, (group, row)
     */
    void multiply(MemorySegment tile, int offset, int blocks, QuantizedRows x, int at, TileWorkspace workspace) {
        int groups = sums == Sums.PAIRS_PER_BLOCK ? 1 : 2;
        for (int first = 0; first < blocks; first += CHUNK) {
            int count = Math.min(CHUNK, blocks - first);
            unpack(tile, offset + bytes(first), count, workspace);
            int to = first * groups * PackedMatrix.TILE_ROWS;
            TileProducts.pairsOfOne(
                    workspace.weights,
                    count * groups,
                    16 / groups,
                    x.pairs,
                    (at + first * QuantizedRows.BLOCK) / 2,
                    workspace.pairSums,
                    to);
        }
    }
}
