package dev.nibble.device.cpu;

import static dev.nibble.device.cpu.WeightVectors.pairs;
import static dev.nibble.device.cpu.WeightVectors.words;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;

/** Unpacks words of a block to pairs of 16 bits, (pair, row), for products with several tokens. */
final class WordUnpacking {
    /** A four-bit number in the low end of each 16 bits. */
    private static final int LOW = 0x000f000f;

    private static final int WORD = PanelWords.WORD;

    private WordUnpacking() {}

    /**
     * Words with a whole number of fields in each half: field k of word j is column j · count + k.
     *
     * @param offset where the words begin in the tile
     * @param count fields in a half
     * @param zero the stored number that means 0
     * @param at where the pairs are written
     */
    static void fields(
            MemorySegment tile, int offset, int words, int bits, int count, int zero, MemorySegment pairs, int at) {
        short mask = (short) ((1 << bits) - 1);
        int to = at;
        for (int j = 0; j < words; j++) {
            for (int k = 0; k < count; k++) {
                for (int row = 0; row < WORD; row += Lanes.BYTES) {
                    ShortVector w = pairs(tile, offset + j * WORD + row);
                    store(w.lanewise(VectorOperators.LSHR, bits * k).and(mask), zero, pairs, to + row);
                }
                to += WORD;
            }
        }
    }

    /** Three words of three bits: see {@link ThreeBitProducts}. */
    static void threeBits(MemorySegment tile, int offset, int zero, MemorySegment pairs, int at) {
        for (int row = 0; row < WORD; row += Lanes.BYTES) {
            ShortVector top = pairs(tile, offset + 2 * WORD + row);
            int to = at + row;
            for (int j = 0; j < 3; j++) {
                ShortVector w = pairs(tile, offset + j * WORD + row);
                for (int k = 0; k < 4; k++, to += WORD) {
                    int shift = 8 * (k / 2) + 3 * (k % 2);
                    store(w.lanewise(VectorOperators.LSHR, shift).and((short) 7), zero, pairs, to);
                }
            }
            for (int j = 0; j < 2; j++) {
                ShortVector w = pairs(tile, offset + j * WORD + row);
                for (int k = 0; k < 2; k++, to += WORD) {
                    ShortVector low =
                            w.lanewise(VectorOperators.LSHR, 8 * k + 6).and((short) 3);
                    ShortVector high =
                            top.lanewise(VectorOperators.LSHR, 8 * k + 6 + j).and((short) 1);
                    store(low.or(high.lanewise(VectorOperators.LSHL, 2)), zero, pairs, to);
                }
            }
        }
    }

    /** Column 15, whose bit j is the top bit of the halves of word j. */
    static void spareBits(MemorySegment tile, int offset, int words, int zero, MemorySegment pairs, int at) {
        for (int row = 0; row < WORD; row += Lanes.BYTES) {
            ShortVector column = pairs(tile, offset + row).lanewise(VectorOperators.LSHR, 15);
            for (int j = 1; j < words; j++) {
                ShortVector bit = pairs(tile, offset + j * WORD + row).lanewise(VectorOperators.LSHR, 15);
                column = column.or(bit.lanewise(VectorOperators.LSHL, j));
            }
            store(column, zero, pairs, at + 15 * WORD + row);
        }
    }

    /** Columns 6 and 7 of three words of six bits: see {@link SixBitProducts}. */
    static void spareSixBits(MemorySegment tile, int offset, int zero, MemorySegment pairs, int at) {
        for (int row = 0; row < WORD; row += Lanes.BYTES) {
            ShortVector high = pairs(tile, offset + WORD + row).lanewise(VectorOperators.LSHR, 12);
            ShortVector high6 = high.and((short) 3).lanewise(VectorOperators.LSHL, 4);
            ShortVector high7 = high.lanewise(VectorOperators.LSHR, 2).lanewise(VectorOperators.LSHL, 4);
            ShortVector low6 = pairs(tile, offset + row).lanewise(VectorOperators.LSHR, 12);
            ShortVector low7 = pairs(tile, offset + 2 * WORD + row).lanewise(VectorOperators.LSHR, 12);
            store(low6.or(high6), zero, pairs, at + 6 * WORD + row);
            store(low7.or(high7), zero, pairs, at + 7 * WORD + row);
        }
    }

    /** Words of four bits as a file's bytes have them, less 8: pair 2 g + i of half block h is in half h of bytes i and i + 2 of word g. */
    static void nibbles(MemorySegment tile, int offset, MemorySegment pairs, int at) {
        for (int g = 0; g < 4; g++) {
            int to = at + 2 * g * WORD;
            for (int row = 0; row < WORD; row += Lanes.BYTES) {
                IntVector w = words(tile, offset + g * WORD + row);
                storeNibbles(w, pairs, to + row);
                storeNibbles(w.lanewise(VectorOperators.LSHR, 8), pairs, to + WORD + row);
                storeNibbles(w.lanewise(VectorOperators.LSHR, 4), pairs, to + 8 * WORD + row);
                storeNibbles(w.lanewise(VectorOperators.LSHR, 12), pairs, to + 9 * WORD + row);
            }
        }
    }

    private static void storeNibbles(IntVector words, MemorySegment pairs, int at) {
        store(words.and(LOW).reinterpretAsShorts(), 8, pairs, at);
    }

    private static void store(ShortVector pair, int zero, MemorySegment pairs, int at) {
        pair.sub((short) zero).intoMemorySegment(pairs, at, Lanes.ORDER);
    }
}
