package dev.nibble.device.cpu;

import static dev.nibble.device.cpu.WeightVectors.highFloats;
import static dev.nibble.device.cpu.WeightVectors.lowFloats;

import dev.nibble.quant.Grid;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorMask;
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

    private static final VectorMask<Integer> UPPER = VectorMask.fromLong(Lanes.INTS, -1L << 8);

    /** Where in 32 bits the four bits of rows are. */
    private static final IntVector PLACES =
            IntVector.broadcast(Lanes.INTS, 0).addIndex(1).and(7).mul(4);

    /** The panel as it is stored. */
    private final int[] packed = new int[PackedMatrix.PANEL * 4];

    /** (row): for each point of a word a byte of the bits of its number above the eighth. */
    private final int[] high = new int[ROWS];

    /** (block, row): the signs, or shifts, of 32 columns. */
    private final int[] signs = new int[PackedMatrix.PANEL];

    /** (block, word, row): four columns, a byte for each, 128 means 0. */
    private final int[] words = new int[PackedMatrix.PANEL * ROWS / 4];

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
        // A loop of its own: reading words that were written just before, in other steps, would wait for the writes.
        for (int b = 0; b < blocks; b++) {
            if (form.grid() == Grid.IQ1) {
                shift(b);
            } else {
                sign(b);
            }
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

    /** Planes have the bits of the numbers above the eighth; there may be none. */
    void high(int line, int plane, int count) {
        for (int row = 0; row < ROWS; row += Lanes.COUNT) {
            IntVector bits = IntVector.zero(Lanes.INTS);
            for (int bit = 0; bit < count; bit++) {
                bits = bits.or(spread(nibbles(line, plane + bit, row)).lanewise(VectorOperators.LSHL, bit));
            }
            bits.intoArray(high, row);
        }
    }

    /** The top bits of sign bytes are bit 8 of the numbers. */
    void spareHigh(int line) {
        for (int row = 0; row < ROWS; row += Lanes.COUNT) {
            words(line, row).lanewise(VectorOperators.LSHR, 7).and(ONES).intoArray(high, row);
        }
    }

    /** A word of as many rows as there are lanes. */
    private IntVector words(int line, int row) {
        return IntVector.fromArray(Lanes.INTS, packed, line * LANES + row);
    }

    /** Four bits of as many rows as there are lanes, from a plane. */
    private IntVector nibbles(int line, int plane, int row) {
        int at = line * LANES + 4 * plane + row / 8;
        IntVector bits = IntVector.broadcast(Lanes.INTS, packed[at] >>> 4 * (row % 8));
        if (Lanes.COUNT > 8) {
            bits = bits.blend(IntVector.broadcast(Lanes.INTS, packed[at + 1]), UPPER);
        }
        return bits.lanewise(VectorOperators.LSHR, PLACES).and(15);
    }

    /** Four bits to the low ends of bytes. */
    private static IntVector spread(IntVector nibbles) {
        return nibbles.mul(SPREAD).and(ONES);
    }

    /** Looks up a word of numbers; points of four columns make every other word, from {@code first} on. */
    void expand(int line, int first, int block) {
        if (pairs) {
            expandPairs(points, packed, line * LANES, high, words, block * WORDS * ROWS);
        } else {
            expandWords(points, packed, line * LANES, high, words, (block * WORDS + first) * ROWS);
        }
    }

    private static void expandPairs(int[] points, int[] numbers, int at, int[] high, int[] words, int to) {
        for (int row = 0; row < ROWS; row++) {
            int low = numbers[at + row];
            int top = high[row];
            for (int p = 0; p < 4; p++) {
                int number = 2 * (low & 0xff | (top & 0xff) << 8);
                words[to + 2 * p * ROWS + row] = points[number];
                words[to + (2 * p + 1) * ROWS + row] = points[number + 1];
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
        for (int row = 0; row < ROWS; row += Lanes.COUNT) {
            IntVector scales = nibbles(line, plane, row).and(mask);
            putStep(scales, 2 * block, row);
            putStep(scales, 2 * block + 1, row);
        }
    }

    private void putStep(IntVector scales, int halfBlock, int row) {
        scales.add(scales).add(1).intoArray(steps, halfBlock * ROWS + row);
    }

    /** A plane has the scales of 16 columns, the next one those of the next 16. */
    void halfSteps(int line, int plane, int block) {
        for (int row = 0; row < ROWS; row += Lanes.COUNT) {
            putStep(nibbles(line, plane, row), 2 * block, row);
            putStep(nibbles(line, plane + 1, row), 2 * block + 1, row);
        }
    }

    /** The top bits of sign bytes are the scale of 32 columns. */
    void spareSteps(int line, int block) {
        for (int row = 0; row < ROWS; row += Lanes.COUNT) {
            IntVector bits = words(line, row).lanewise(VectorOperators.LSHR, 7).and(ONES);
            bits = bits.or(bits.lanewise(VectorOperators.LSHR, 7));
            IntVector scales = bits.or(bits.lanewise(VectorOperators.LSHR, 14)).and(15);
            putStep(scales, 2 * block, row);
            putStep(scales, 2 * block + 1, row);
        }
    }

    /** The first lines have four scales of three bits each in the low bits of their halves. */
    void packedSteps(int block) {
        for (int row = 0; row < ROWS; row += Lanes.COUNT) {
            IntVector bits =
                    words(block / 2, row % LANES).lanewise(VectorOperators.LSHR, row / LANES * 16 + block % 2 * 6);
            putStep(bits.and(7), 2 * block, row);
            putStep(bits.lanewise(VectorOperators.LSHR, 3).and(7), 2 * block + 1, row);
        }
    }

    /** Signs, all of them stored. */
    void signs(int line, int block) {
        for (int row = 0; row < ROWS; row += Lanes.COUNT) {
            words(line, row).intoArray(signs, block * ROWS + row);
        }
    }

    /** Signs of which the eighth makes the number of minus signs even. */
    void evenSigns(int line, int block) {
        for (int row = 0; row < ROWS; row += Lanes.COUNT) {
            IntVector seven = words(line, row).and(SEVENS);
            IntVector parity = seven.lanewise(VectorOperators.XOR, seven.lanewise(VectorOperators.LSHR, 4));
            parity = parity.lanewise(VectorOperators.XOR, parity.lanewise(VectorOperators.LSHR, 2));
            parity = parity.lanewise(VectorOperators.XOR, parity.lanewise(VectorOperators.LSHR, 1));
            seven.or(parity.lanewise(VectorOperators.LSHL, 7).and(SPARE)).intoArray(signs, block * ROWS + row);
        }
    }

    /** Points are shifted by 1, or by -1 where the top bits of a plane are set. */
    void shiftBlocks(int line, int plane, int block) {
        for (int row = 0; row < ROWS; row += Lanes.COUNT) {
            nibbles(line, plane, row)
                    .lanewise(VectorOperators.LSHR, 3)
                    .mul(ONES)
                    .intoArray(signs, block * ROWS + row);
        }
    }

    /** Points are shifted by 1, or by -1 where their bits in a plane are set. */
    void shiftPoints(int line, int plane, int block) {
        for (int row = 0; row < ROWS; row += Lanes.COUNT) {
            spread(nibbles(line, plane, row)).intoArray(signs, block * ROWS + row);
        }
    }

    /** Writes the words of a block, with their signs. */
    private void sign(int block) {
        int to = block * WORDS * PanelWords.WORD;
        for (int g = 0; g < WORDS; g++) {
            for (int row = 0; row < ROWS; row += Lanes.COUNT) {
                IntVector minus = IntVector.fromArray(Lanes.INTS, signs, block * ROWS + row)
                        .lanewise(VectorOperators.LSHR, 4 * g)
                        .and(15)
                        .mul(SPREAD)
                        .and(ONES);
                // 128 + m becomes 255 - (128 + m) + 1 in the bytes that have a minus sign.
                IntVector flipped = minus.lanewise(VectorOperators.LSHL, 8).sub(minus);
                IntVector.fromArray(Lanes.INTS, words, (block * WORDS + g) * ROWS + row)
                        .lanewise(VectorOperators.XOR, flipped)
                        .add(minus)
                        .intoMemorySegment(bytes, to + (g * ROWS + row) * 4L, Lanes.ORDER);
            }
        }
    }

    /** Writes the words of a block, shifted. */
    private void shift(int block) {
        int to = block * WORDS * PanelWords.WORD;
        for (int g = 0; g < WORDS; g++) {
            for (int row = 0; row < ROWS; row += Lanes.COUNT) {
                IntVector minus = IntVector.fromArray(Lanes.INTS, signs, block * ROWS + row)
                        .lanewise(VectorOperators.LSHR, g / 2 * 8)
                        .and(1)
                        .mul(2 * ONES);
                IntVector.fromArray(Lanes.INTS, words, (block * WORDS + g) * ROWS + row)
                        .add(ONES)
                        .sub(minus)
                        .intoMemorySegment(bytes, to + (g * ROWS + row) * 4L, Lanes.ORDER);
            }
        }
    }
}
