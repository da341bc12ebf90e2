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
            for (int b = 0; b < blocks; b++) {
                int chunk = offset + bytes(b / planes.length * planes.length);
                int to = 2 * b * PackedMatrix.TILE_ROWS;
                PlaneProducts.multiplyTwoBits(
                        tile, chunk, planes[b % planes.length], x.pairs, at / 2 + b * 16, workspace.pairSums, to);
            }
            workspace.addPairs(2 * blocks, true, x, at);
        }
    },

    /** Three bits, 4 means 0. */
    THREE_BITS_AROUND_4(6, 0, Sums.PAIRS_PER_HALF_BLOCK) {
        private final BlockPlanes[] planes = BlockPlanes.threeBits();
        private final PlanePairs[] pairs = {PlanePairs.threeBits(0), PlanePairs.threeBits(1)};

        @Override
        void unpack(MemorySegment tile, int offset, int blocks, TileWorkspace workspace) {
            unpack(tile, offset, blocks, planes, 4, workspace);
        }

        @Override
        void multiply(MemorySegment tile, int offset, int blocks, QuantizedRows x, int at, TileWorkspace workspace) {
            multiplyChunks(tile, offset, blocks, x, at, pairs, workspace);
            addLess(4, blocks, x, at, workspace);
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
        private final PlanePairs pairs = PlanePairs.fiveBits();

        @Override
        void unpack(MemorySegment tile, int offset, int blocks, TileWorkspace workspace) {
            unpack(tile, offset, blocks, planes, 16, workspace);
        }

        @Override
        void multiply(MemorySegment tile, int offset, int blocks, QuantizedRows x, int at, TileWorkspace workspace) {
            pairs.multiply(tile, offset, blocks, x.pairs, at / 2, 16, 8, workspace.pairSums, 0, 0);
            addLess(16, blocks, x, at, workspace);
        }
    },

    /** Five bits, 16 means 0. */
    FIVE_BITS_AROUND_16(10, 0, Sums.PAIRS_PER_BLOCK) {
        private final BlockPlanes[] planes = BlockPlanes.fiveBits();
        private final PlanePairs pairs = PlanePairs.fiveBits();

        @Override
        void unpack(MemorySegment tile, int offset, int blocks, TileWorkspace workspace) {
            unpack(tile, offset, blocks, planes, 16, workspace);
        }

        @Override
        void multiply(MemorySegment tile, int offset, int blocks, QuantizedRows x, int at, TileWorkspace workspace) {
            pairs.multiply(tile, offset, blocks, x.pairs, at / 2, 16, 8, workspace.pairSums, 0, 0);
            addLess(16, blocks, x, at, workspace);
        }
    },

    /** Six bits, 32 means 0. */
    SIX_BITS_AROUND_32(12, 0, Sums.PAIRS_PER_HALF_BLOCK) {
        private final BlockPlanes[] planes = BlockPlanes.sixBits();
        private final PlanePairs[] pairs = {PlanePairs.sixBits(0), PlanePairs.sixBits(1)};

        @Override
        void unpack(MemorySegment tile, int offset, int blocks, TileWorkspace workspace) {
            unpack(tile, offset, blocks, planes, 32, workspace);
        }

        @Override
        void multiply(MemorySegment tile, int offset, int blocks, QuantizedRows x, int at, TileWorkspace workspace) {
            multiplyChunks(tile, offset, blocks, x, at, pairs, workspace);
            addLess(32, blocks, x, at, workspace);
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

    /** The form of the sums. */
    Sums sums() {
        return sums;
    }

    /**
     * Unpacks blocks.
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

    /** Multiplies chunks of four blocks whose blocks b and b + 2 share words. */
    final void multiplyChunks(
            MemorySegment tile,
            int offset,
            int blocks,
            QuantizedRows x,
            int at,
            PlanePairs[] planes,
            TileWorkspace workspace) {
        for (int b = 0; b < blocks; b += b % CHUNK == 0 ? 1 : CHUNK - 1) {
            planes[b % CHUNK].multiply(
                    tile,
                    offset + bytes(b / CHUNK * CHUNK),
                    2,
                    x.pairs,
                    at / 2 + b * 16,
                    8,
                    32,
                    workspace.pairSums,
                    2 * b * PackedMatrix.TILE_ROWS,
                    4 * PackedMatrix.TILE_ROWS);
        }
    }

    /** Takes {@code zero} from the weights whose products the workspace holds, then scales them. */
    final void addLess(int zero, int blocks, QuantizedRows x, int at, TileWorkspace workspace) {
        boolean halves = sums == Sums.PAIRS_PER_HALF_BLOCK;
        int groups = halves ? 2 : 1;
        for (int b = 0; b < blocks; b++) {
            int half = at / QuantizedRows.HALF_BLOCK + 2 * b;
            int to = groups * b * PackedMatrix.TILE_ROWS;
            PlaneProducts.subtract(x.pairSums, half, (short) zero, halves, workspace.pairSums, to);
        }
        workspace.addPairs(groups * blocks, halves, x, at);
    }
}
