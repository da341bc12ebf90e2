package dev.nibble.device.cpu;

import static dev.nibble.device.cpu.WeightVectors.highFloats;
import static dev.nibble.device.cpu.WeightVectors.lowFloats;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;

/**
 * A panel of a {@link GridForm} on its way to words of bytes. Points are looked up row by row, from a table in the cache; signs and
 * shifts are then applied in vectors. Lanes are rows all along.
 */
final class GridPanel {
    private static final int ROWS = PackedMatrix.TILE_ROWS;
    private static final int LANES = PanelWords.LINE / Integer.BYTES;
    private static final int WORDS = 8;

    /** A bit in each byte. */
    private static final int ONES = 0x01010101;

    private static final int SEVENS = 0x7f7f7f7f;
    private static final int SPARE = 0x80808080;

    /** Times four bits, has each of them at the low end of a byte. */
    private static final int SPREAD = 0x00204081;

    /** The panel as it is stored. */
    private final int[] packed = new int[PackedMatrix.PANEL * 4];

    /** (row): for each point of a word a byte of the bits of its number above the eighth. */
    private final int[] high = new int[ROWS];

    /** (row): the signs of 32 columns. */
    private final int[] signs = new int[ROWS];

    /** (word, row): four columns, a byte for each, 128 means 0. */
    private final int[] words = new int[WORDS * ROWS];

    /** (half block, row): 2 s + 1. */
    final int[] steps = new int[PackedMatrix.PANEL / QuantizedRows.HALF_BLOCK * ROWS];

    /** (row): what one step is worth. */
    final float[] factors = new float[ROWS];

    private int[] points = new int[0];
    private boolean pairs;
    private MemorySegment bytes = MemorySegment.NULL;

    /** Reads a panel; its blocks are written to {@code bytes} as {@link EightBitProducts} reads them. */
    void read(GridForm form, MemorySegment tile, int offset, int blocks, MemorySegment bytes) {
        int size = (form.headerBytes() + blocks * form.blockBytes()) / Integer.BYTES;
        MemorySegment.copy(tile, ValueLayout.JAVA_INT, offset, packed, 0, size);
        this.bytes = bytes;
        points = GridTables.words(form.grid());
        pairs = form.grid().dimension() == 8;
        form.readHead(this);
        for (int b = 0; b < blocks; b++) {
            form.read(this, b);
        }
    }

    /** The line of half precision d at the head. */
    void factors(float factor) {
        for (int row = 0; row < LANES; row += Lanes.COUNT) {
            IntVector halves = IntVector.fromArray(Lanes.INTS, packed, row);
            lowFloats(halves).mul(factor).intoArray(factors, row);
            highFloats(halves).mul(factor).intoArray(factors, row + LANES);
        }
    }

    /** A half precision d of which four lines have four bits each. */
    void splitFactors(float factor) {
        for (int row = 0; row < LANES; row += Lanes.COUNT) {
            IntVector halves = IntVector.zero(Lanes.INTS);
            for (int line = 3; line >= 0; line--) {
                IntVector top = IntVector.fromArray(Lanes.INTS, packed, line * LANES + row)
                        .lanewise(VectorOperators.LSHR, 12)
                        .and(0x000f000f);
                halves = halves.lanewise(VectorOperators.LSHL, 4).or(top);
            }
            lowFloats(halves).mul(factor).intoArray(factors, row);
            highFloats(halves).mul(factor).intoArray(factors, row + LANES);
        }
    }

    /** Numbers have no more than eight bits. */
    void clearHigh() {
        IntVector zero = IntVector.zero(Lanes.INTS);
        for (int row = 0; row < ROWS; row += Lanes.COUNT) {
            zero.intoArray(high, row);
        }
    }

    /** A plane has bit 8 + {@code bit} of the numbers. */
    void addHigh(int line, int plane, int bit) {
        int at = line * LANES + 4 * plane;
        for (int row = 0; row < ROWS; row++) {
            int bits = packed[at + row / 8] >>> 4 * (row % 8) & 15;
            high[row] |= (bits * SPREAD & ONES) << bit;
        }
    }

    /** The top bits of sign bytes are bit 8 of the numbers. */
    void spareHigh(int line) {
        for (int row = 0; row < ROWS; row++) {
            high[row] = packed[line * LANES + row] >>> 7 & ONES;
        }
    }

    /** Looks up a word of numbers; points of four columns make every other word, from {@code first} on. */
    void expand(int line, int first, int block) {
        if (pairs) {
            expandPairs(points, packed, line * LANES, high, words);
        } else {
            expandWords(points, packed, line * LANES, high, words, first * ROWS);
        }
    }

    private static void expandPairs(int[] points, int[] numbers, int at, int[] high, int[] words) {
        for (int row = 0; row < ROWS; row++) {
            int low = numbers[at + row];
            int top = high[row];
            for (int p = 0; p < 4; p++) {
                int number = 2 * (low & 0xff | (top & 0xff) << 8);
                words[2 * p * ROWS + row] = points[number];
                words[(2 * p + 1) * ROWS + row] = points[number + 1];
                low >>>= 8;
                top >>>= 8;
            }
        }
    }

    private static void expandWords(int[] points, int[] numbers, int at, int[] high, int[] words, int to) {
        for (int row = 0; row < ROWS; row++) {
            int low = numbers[at + row];
            int top = high[row];
            for (int p = 0; p < 4; p++) {
                words[to + 2 * p * ROWS + row] = points[low & 0xff | (top & 0xff) << 8];
                low >>>= 8;
                top >>>= 8;
            }
        }
    }

    /** A plane has the scales of 32 columns, in the bits of {@code mask}. */
    void steps(int line, int plane, int mask, int block) {
        int to = 2 * block * ROWS;
        for (int row = 0; row < ROWS; row++) {
            int step = 2 * (nibble(line, plane, row) & mask) + 1;
            steps[to + row] = step;
            steps[to + ROWS + row] = step;
        }
    }

    /** A plane has the scales of 16 columns, the next one those of the next 16. */
    void halfSteps(int line, int plane, int block) {
        int to = 2 * block * ROWS;
        for (int row = 0; row < ROWS; row++) {
            steps[to + row] = 2 * nibble(line, plane, row) + 1;
            steps[to + ROWS + row] = 2 * nibble(line, plane + 1, row) + 1;
        }
    }

    /** The top bits of sign bytes are the scale of 32 columns. */
    void spareSteps(int line, int block) {
        int to = 2 * block * ROWS;
        for (int row = 0; row < ROWS; row++) {
            int bits = packed[line * LANES + row] >>> 7 & ONES;
            int step = 2 * ((bits | bits >>> 7 | bits >>> 14 | bits >>> 21) & 15) + 1;
            steps[to + row] = step;
            steps[to + ROWS + row] = step;
        }
    }

    /** The first lines have four scales of three bits each in the low bits of their halves. */
    void packedSteps(int block) {
        int to = 2 * block * ROWS;
        for (int row = 0; row < ROWS; row++) {
            int bits = packed[block / 2 * LANES + row % LANES] >>> row / LANES * 16 + block % 2 * 6;
            steps[to + row] = 2 * (bits & 7) + 1;
            steps[to + ROWS + row] = 2 * (bits >>> 3 & 7) + 1;
        }
    }

    private int nibble(int line, int plane, int row) {
        return packed[line * LANES + 4 * plane + row / 8] >>> 4 * (row % 8) & 15;
    }

    /** Signs, all of them stored. */
    void signs(int line) {
        System.arraycopy(packed, line * LANES, signs, 0, ROWS);
    }

    /** Signs of which the eighth makes the number of minus signs even. */
    void evenSigns(int line) {
        for (int row = 0; row < ROWS; row++) {
            int seven = packed[line * LANES + row] & SEVENS;
            int parity = seven ^ seven >>> 4;
            parity ^= parity >>> 2;
            parity ^= parity >>> 1;
            signs[row] = seven | parity << 7 & SPARE;
        }
    }

    /** Writes the words of a block, with their signs. */
    void sign(int block) {
        int to = block * WORDS * PanelWords.WORD;
        for (int g = 0; g < WORDS; g++) {
            for (int row = 0; row < ROWS; row += Lanes.COUNT) {
                IntVector minus = IntVector.fromArray(Lanes.INTS, signs, row)
                        .lanewise(VectorOperators.LSHR, 4 * g)
                        .and(15)
                        .mul(SPREAD)
                        .and(ONES);
                // 128 + m becomes 255 - (128 + m) + 1 in the bytes that have a minus sign.
                IntVector flipped = minus.lanewise(VectorOperators.LSHL, 8).sub(minus);
                IntVector.fromArray(Lanes.INTS, words, g * ROWS + row)
                        .lanewise(VectorOperators.XOR, flipped)
                        .add(minus)
                        .intoMemorySegment(bytes, to + (g * ROWS + row) * 4L, Lanes.ORDER);
            }
        }
    }

    /** Writes the words of a block, shifted by 1, or by -1 where the top bits of a plane are set. */
    void shiftBlocks(int line, int plane, int block) {
        for (int row = 0; row < ROWS; row++) {
            signs[row] = (nibble(line, plane, row) >>> 3) * ONES;
        }
        shift(block);
    }

    /** Writes the words of a block, shifted by 1, or by -1 the points whose bits in a plane are set. */
    void shiftPoints(int line, int plane, int block) {
        for (int row = 0; row < ROWS; row++) {
            signs[row] = nibble(line, plane, row) * SPREAD & ONES;
        }
        shift(block);
    }

    private void shift(int block) {
        int to = block * WORDS * PanelWords.WORD;
        for (int g = 0; g < WORDS; g++) {
            for (int row = 0; row < ROWS; row += Lanes.COUNT) {
                IntVector minus = IntVector.fromArray(Lanes.INTS, signs, row)
                        .lanewise(VectorOperators.LSHR, g / 2 * 8)
                        .and(1)
                        .mul(2 * ONES);
                IntVector.fromArray(Lanes.INTS, words, g * ROWS + row)
                        .add(ONES)
                        .sub(minus)
                        .intoMemorySegment(bytes, to + (g * ROWS + row) * 4L, Lanes.ORDER);
            }
        }
    }
}
