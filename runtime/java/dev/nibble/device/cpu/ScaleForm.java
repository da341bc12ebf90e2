package dev.nibble.device.cpu;

import static dev.nibble.device.cpu.WeightVectors.floats;
import static dev.nibble.device.cpu.WeightVectors.highFloats;
import static dev.nibble.device.cpu.WeightVectors.lowFloats;
import static dev.nibble.device.cpu.WeightVectors.signedByte;
import static dev.nibble.device.cpu.WeightVectors.words;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;

/**
 * How the scales of a panel are stored: lines at its head, and lines before the integers of each block of 32 columns. A weight is
 * scale · integer, plus an offset in some types; scales and offsets are decoded to floats, (group, row), where a group is a block
 * or half of one. Lines are those of {@link PanelWords}.
 */
enum ScaleForm {
    /** A half precision scale for each block. */
    HALVES(0, 1, false) {
        @Override
        void decode(MemorySegment tile, int head, int at, int b, TileWorkspace workspace) {
            widen(tile, at, workspace.scales, b * ROWS);
        }
    },

    /** A half precision scale and an offset for each block. */
    HALVES_AND_OFFSETS(0, 2, true) {
        @Override
        void decode(MemorySegment tile, int head, int at, int b, TileWorkspace workspace) {
            widen(tile, at, workspace.scales, b * ROWS);
            widen(tile, at + PanelWords.LINE, workspace.offsets, b * ROWS);
        }
    },

    /** Half precision d and −dmin at the head; for each block bytes s and m: its scale is d · s, its offset −dmin · m. */
    BYTES_AND_MINIMA(2, 1, true) {
        @Override
        void decode(MemorySegment tile, int head, int at, int b, TileWorkspace workspace) {
            bytes(tile, at, 0, workspace.factors, 0, workspace.scales, b * ROWS);
            bytes(tile, at, 1, workspace.factors, ROWS, workspace.offsets, b * ROWS);
        }
    },

    /** At the head half precision d, then for each two blocks signed bytes s: a block's scale is d · s. */
    BYTES(5, 0, false) {
        @Override
        void decode(MemorySegment tile, int head, int at, int b, TileWorkspace workspace) {
            int line = head + (1 + b / 2) * PanelWords.LINE;
            bytes(tile, line, b % 2, workspace.factors, 0, workspace.scales, b * ROWS);
        }
    },

    /** At the head for each two blocks exponents, biased by 128: a block's scale is a power of 2, or NaN for the exponent 255. */
    EXPONENTS(4, 0, false) {
        @Override
        void decodeHeader(MemorySegment tile, int head, TileWorkspace workspace) {}

        @Override
        void decode(MemorySegment tile, int head, int at, int b, TileWorkspace workspace) {
            for (int row = 0; row < ROWS; row += Lanes.COUNT) {
                int line = head + b / 2 * PanelWords.LINE;
                IntVector exponents = words(tile, line + row % LANES * Integer.BYTES)
                        .lanewise(VectorOperators.LSHR, row / LANES * 16 + b % 2 * 8)
                        .and(255);
                IntVector power = exponents.lanewise(VectorOperators.LSHL, 23);
                power = power.blend(LEAST_POWER, exponents.eq(0)).blend(NAN, exponents.eq(255));
                power.reinterpretAsFloats().mul(0.5f).intoArray(workspace.scales, b * ROWS + row);
            }
        }
    },

    /** Half precision d at the head; for each block two signed bytes s: a half block's scale is d · s. */
    BYTES_OF_HALF_BLOCKS(1, 1, false) {
        @Override
        void decode(MemorySegment tile, int head, int at, int b, TileWorkspace workspace) {
            for (int h = 0; h < 2; h++) {
                bytes(tile, at, h, workspace.factors, 0, workspace.scales, (2 * b + h) * ROWS);
            }
        }
    },

    /**
     * Half precision d and −dmin at the head; for each block two bytes s + 16 m: a half block's scale is d · s, its offset −dmin · m.
     */
    NIBBLES_OF_HALF_BLOCKS(2, 1, true) {
        @Override
        void decode(MemorySegment tile, int head, int at, int b, TileWorkspace workspace) {
            for (int h = 0; h < 2; h++) {
                int to = (2 * b + h) * ROWS;
                for (int row = 0; row < ROWS; row += Lanes.COUNT) {
                    IntVector w = words(tile, at + row % LANES * Integer.BYTES)
                            .lanewise(VectorOperators.LSHR, row / LANES * 16 + 8 * h);
                    times(w.and(15), workspace.factors, row, workspace.scales, to + row);
                    IntVector minima = w.lanewise(VectorOperators.LSHR, 4).and(15);
                    times(minima, workspace.factors, ROWS + row, workspace.offsets, to + row);
                }
            }
        }
    };

    private static final int ROWS = PackedMatrix.TILE_ROWS;
    private static final int LANES = PanelWords.LINE / Integer.BYTES;

    /** 2 to the power of -127, which has no exponent of its own. */
    private static final int LEAST_POWER = 0x00400000;

    private static final int NAN = 0x7fc00000;

    private final int headLines;
    private final int blockLines;
    private final boolean hasOffsets;

    ScaleForm(int headLines, int blockLines, boolean hasOffsets) {
        this.headLines = headLines;
        this.blockLines = blockLines;
        this.hasOffsets = hasOffsets;
    }

    /** Bytes at the head of a panel. */
    int headerBytes() {
        return headLines * PanelWords.LINE;
    }

    /** Bytes before the integers of each block. */
    int blockBytes() {
        return blockLines * PanelWords.LINE;
    }

    /** Whether weights have offsets. */
    boolean hasOffsets() {
        return hasOffsets;
    }

    /** Turns the half precision numbers that begin a head into floats: the workspace's factors. */
    void decodeHeader(MemorySegment tile, int head, TileWorkspace workspace) {
        int count = headLines == 0 ? 0 : hasOffsets ? 2 : 1;
        for (int i = 0; i < count; i++) {
            widen(tile, head + i * PanelWords.LINE, workspace.factors, i * ROWS);
        }
    }

    /**
     * Turns the scales (and offsets) of a block into floats.
     *
     * @param tile the packed tile
     * @param head where the panel begins in it
     * @param at where the block begins in it
     * @param b the block
     * @param workspace holds the factors, receives scales and offsets
     */
    abstract void decode(MemorySegment tile, int head, int at, int b, TileWorkspace workspace);

    /** Widens a line of halves. */
    private static void widen(MemorySegment tile, int at, float[] target, int to) {
        for (int row = 0; row < LANES; row += Lanes.COUNT) {
            IntVector halves = words(tile, at + row * Integer.BYTES);
            lowFloats(halves).intoArray(target, to + row);
            highFloats(halves).intoArray(target, to + row + LANES);
        }
    }

    /** Multiplies the low or the high bytes of a line by factors of the rows. */
    private static void bytes(
            MemorySegment tile, int at, int high, float[] factors, int factorAt, float[] target, int to) {
        for (int row = 0; row < LANES; row += Lanes.COUNT) {
            IntVector w = words(tile, at + row * Integer.BYTES);
            times(signedByte(w, high), factors, factorAt + row, target, to + row);
            times(signedByte(w, 2 + high), factors, factorAt + row + LANES, target, to + row + LANES);
        }
    }

    private static void times(IntVector integers, float[] factors, int from, float[] target, int to) {
        FloatVector factor = FloatVector.fromArray(Lanes.FLOATS, factors, from);
        floats(integers).mul(factor).intoArray(target, to);
    }
}
