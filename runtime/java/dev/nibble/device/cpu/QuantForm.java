package dev.nibble.device.cpu;

import java.lang.foreign.MemorySegment;

/** How the integers of a panel are stored, after its scales, and how they are multiplied. */
enum QuantForm {
    /** Two bits. */
    TWO_BITS(4, 0, Sums.PAIRS_PER_HALF_BLOCK) {
        private final BlockPlanes[] planes = BlockPlanes.twoBits();

        @Override
        void unpack(MemorySegment tile, int offset, int blocks, TileWorkspace workspace) {
            unpack(tile, offset, blocks, planes, 0, workspace);
        }

        @Override
        void multiply(MemorySegment tile, int offset, int blocks, QuantizedRows x, int at, TileWorkspace workspace) {
            multiply(tile, offset, blocks, x, at, planes, 0, workspace);
        }
    },

    /** Three bits, 4 means 0. */
    THREE_BITS_AROUND_4(6, 0, Sums.PAIRS_PER_HALF_BLOCK) {
        private final BlockPlanes[] planes = BlockPlanes.threeBits();

        @Override
        void unpack(MemorySegment tile, int offset, int blocks, TileWorkspace workspace) {
            unpack(tile, offset, blocks, planes, 4, workspace);
        }

        @Override
        void multiply(MemorySegment tile, int offset, int blocks, QuantizedRows x, int at, TileWorkspace workspace) {
            multiply(tile, offset, blocks, x, at, planes, 4, workspace);
        }
    },

    /** Four bits; multiplied less 8, which the offset makes up for. */
    FOUR_BITS(8, 8, Sums.PAIRS_PER_BLOCK) {
        @Override
        void unpack(MemorySegment tile, int offset, int blocks, TileWorkspace workspace) {
            NibbleProducts.unpack(tile, offset, blocks, workspace.weights);
        }

        @Override
        void multiply(MemorySegment tile, int offset, int blocks, QuantizedRows x, int at, TileWorkspace workspace) {
            NibbleProducts.multiply(tile, offset, blocks, x, at, workspace.scales, workspace.results);
        }
    },

    /** Four bits, 8 means 0. */
    FOUR_BITS_AROUND_8(8, 0, Sums.PAIRS_PER_BLOCK) {
        @Override
        void unpack(MemorySegment tile, int offset, int blocks, TileWorkspace workspace) {
            NibbleProducts.unpack(tile, offset, blocks, workspace.weights);
        }

        @Override
        void multiply(MemorySegment tile, int offset, int blocks, QuantizedRows x, int at, TileWorkspace workspace) {
            NibbleProducts.multiply(tile, offset, blocks, x, at, workspace.scales, workspace.results);
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
            workspace.addFloats(blocks, x, at);
        }
    },

    /** Five bits; multiplied less 16, which the offset makes up for. */
    FIVE_BITS(10, 16, Sums.PAIRS_PER_BLOCK) {
        private final BlockPlanes[] planes = BlockPlanes.fiveBits();

        @Override
        void unpack(MemorySegment tile, int offset, int blocks, TileWorkspace workspace) {
            unpack(tile, offset, blocks, planes, 16, workspace);
        }

        @Override
        void multiply(MemorySegment tile, int offset, int blocks, QuantizedRows x, int at, TileWorkspace workspace) {
            multiply(tile, offset, blocks, x, at, planes, 16, workspace);
        }
    },

    /** Five bits, 16 means 0. */
    FIVE_BITS_AROUND_16(10, 0, Sums.PAIRS_PER_BLOCK) {
        private final BlockPlanes[] planes = BlockPlanes.fiveBits();

        @Override
        void unpack(MemorySegment tile, int offset, int blocks, TileWorkspace workspace) {
            unpack(tile, offset, blocks, planes, 16, workspace);
        }

        @Override
        void multiply(MemorySegment tile, int offset, int blocks, QuantizedRows x, int at, TileWorkspace workspace) {
            multiply(tile, offset, blocks, x, at, planes, 16, workspace);
        }
    },

    /** Six bits, 32 means 0. */
    SIX_BITS_AROUND_32(12, 0, Sums.PAIRS_PER_HALF_BLOCK) {
        private final BlockPlanes[] planes = BlockPlanes.sixBits();

        @Override
        void unpack(MemorySegment tile, int offset, int blocks, TileWorkspace workspace) {
            unpack(tile, offset, blocks, planes, 32, workspace);
        }

        @Override
        void multiply(MemorySegment tile, int offset, int blocks, QuantizedRows x, int at, TileWorkspace workspace) {
            multiply(tile, offset, blocks, x, at, planes, 32, workspace);
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
            workspace.addFloats(blocks, x, at);
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

    /** Blocks that share words of bits. */
    private static final int CHUNK = 4;

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

    /** Blocks that are unpacked at once, so that the first-level cache can hold them. */
    int chunk() {
        return sums == Sums.FLOATS_PER_BLOCK ? 4 : 8;
    }

    /** The form of the sums. */
    Sums sums() {
        return sums;
    }

    /**
     * Unpacks at most {@link #chunk} blocks.
     *
     * @param tile the packed tile
     * @param offset where the blocks begin in it
     * @param workspace receives the weights
     */
    abstract void unpack(MemorySegment tile, int offset, int blocks, TileWorkspace workspace);

    /**
     * Multiplies blocks by one token and adds the scaled products, without offsets, to the first token's results.
     *
     * @param tile the packed tile
     * @param offset where the blocks begin in it
     * @param at where their first column stands in {@link QuantizedRows#integers}
     * @param workspace holds the scales, receives the results
     */
    abstract void multiply(
            MemorySegment tile, int offset, int blocks, QuantizedRows x, int at, TileWorkspace workspace);

    final void unpack(
            MemorySegment tile, int offset, int blocks, BlockPlanes[] planes, int zero, TileWorkspace workspace) {
        for (int b = 0; b < blocks; b++) {
            int to = b * QuantizedRows.BLOCK / 2 * PackedMatrix.TILE_ROWS * Integer.BYTES;
            PlaneProducts.unpack(
                    tile, offset + bytes(b / CHUNK * CHUNK), planes[b % CHUNK], zero, workspace.weights, to);
        }
    }

    final void multiply(
            MemorySegment tile,
            int offset,
            int blocks,
            QuantizedRows x,
            int at,
            BlockPlanes[] planes,
            int zero,
            TileWorkspace workspace) {
        boolean halves = sums == Sums.PAIRS_PER_HALF_BLOCK;
        for (int b = 0; b < blocks; b++) {
            int chunk = offset + bytes(b / CHUNK * CHUNK);
            int xAt = (at + b * QuantizedRows.BLOCK) / 2;
            int to = (halves ? 2 * b : b) * PackedMatrix.TILE_ROWS;
            PlaneProducts.multiply(tile, chunk, planes[b % CHUNK], x, xAt, zero, halves, workspace.pairSums, to);
        }
        workspace.addPairs(halves ? 2 * blocks : blocks, halves, x, at);
    }
}
