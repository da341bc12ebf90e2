package dev.nibble.device.cpu;

import static dev.nibble.device.cpu.WeightVectors.words;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;

/**
 * Weights of two, three, five and six bits. They are stored as planes, words with some bits of each byte for four consecutive
 * columns; joined, the planes give words with a byte for each of four columns, which become two pairs of 16 bits.
 */
final class BytePlanes {
    private static final int ROWS = PackedMatrix.TILE_ROWS;
    private static final int WORD = Integer.BYTES * ROWS;

    /** Bytes from block to block of unpacked pairs. */
    private static final int PAIR_BLOCK = 16 * WORD;

    private BytePlanes() {}

    /**
     * Five bits. A block is five words: byte i of word g has bits 0–3 of columns 4 g + i, low half, and 16 + 4 g + i, high half;
     * bit g of byte i of the last word is bit 4 of column 4 g + i.
     *
     * @param pairs receives (block, pair, row), less {@code zero}
     */
    static void unpackFiveBits(MemorySegment tile, int offset, int blocks, int zero, MemorySegment pairs) {
        for (int b = 0; b < blocks; b++) {
            for (int g = 0; g < 4; g++) {
                for (int row = 0; row < WORD; row += Lanes.BYTES) {
                    IntVector low = words(tile, offset + (b * 5 + g) * WORD + row);
                    IntVector high = words(tile, offset + (b * 5 + 4) * WORD + row);
                    int to = b * PAIR_BLOCK + 2 * g * WORD + row;
                    store(joinFive(low, high.lanewise(VectorOperators.LSHR, g)), zero, pairs, to);
                    store(
                            joinFive(low.lanewise(VectorOperators.LSHR, 4), high.lanewise(VectorOperators.LSHR, g + 4)),
                            zero,
                            pairs,
                            to + 8 * WORD);
                }
            }
        }
    }

    private static IntVector joinFive(IntVector low, IntVector high) {
        return low.and(0x0f0f0f0f).or(high.and(0x01010101).lanewise(VectorOperators.LSHL, 4));
    }

    /**
     * Six bits, 32 means 0. Four blocks are 24 words: byte i of word 3 g has bits 0–3 of column 4 g + i of blocks 0, low half, and
     * 2; word 3 g + 1 of blocks 1 and 3; word 3 g + 2 has bits 4 and 5 of all, two bits for each.
     */
    static void unpackSixBits(MemorySegment tile, int offset, int blocks, MemorySegment pairs) {
        for (int g = 0; g < 8; g++) {
            for (int row = 0; row < WORD; row += Lanes.BYTES) {
                int at = offset + 3 * g * WORD + row;
                IntVector even = words(tile, at);
                IntVector odd = words(tile, at + WORD);
                IntVector high = words(tile, at + 2 * WORD);
                int to = 2 * g * WORD + row;
                store(joinSix(even, high.lanewise(VectorOperators.LSHL, 4)), 32, pairs, to);
                store(joinSix(odd, high.lanewise(VectorOperators.LSHL, 2)), 32, pairs, to + PAIR_BLOCK);
                even = even.lanewise(VectorOperators.LSHR, 4);
                odd = odd.lanewise(VectorOperators.LSHR, 4);
                store(joinSix(even, high), 32, pairs, to + 2 * PAIR_BLOCK);
                store(joinSix(odd, high.lanewise(VectorOperators.LSHR, 2)), 32, pairs, to + 3 * PAIR_BLOCK);
            }
        }
    }

    private static IntVector joinSix(IntVector low, IntVector high) {
        return low.and(0x0f0f0f0f).or(high.and(0x30303030));
    }

    /** Two bits. Four blocks are eight words: byte i of word g has column 4 g + i of all, two bits for each. */
    static void unpackTwoBits(MemorySegment tile, int offset, int blocks, MemorySegment pairs) {
        for (int g = 0; g < 8; g++) {
            for (int row = 0; row < WORD; row += Lanes.BYTES) {
                IntVector w = words(tile, offset + g * WORD + row);
                int to = 2 * g * WORD + row;
                store(w.and(0x03030303), 0, pairs, to);
                store(w.lanewise(VectorOperators.LSHR, 2).and(0x03030303), 0, pairs, to + PAIR_BLOCK);
                store(w.lanewise(VectorOperators.LSHR, 4).and(0x03030303), 0, pairs, to + 2 * PAIR_BLOCK);
                store(w.lanewise(VectorOperators.LSHR, 6).and(0x03030303), 0, pairs, to + 3 * PAIR_BLOCK);
            }
        }
    }

    /**
     * Three bits, 4 means 0. Four blocks are twelve words: word 3 g has bits 0 and 1 of columns 4 g + i as for two bits, word 3 g +
     * 1 of columns 16 + 4 g + i; bit j of byte i of word 3 g + 2 is bit 2 of column 4 g + i of block j, bit 4 + j of column 16 + 4
     * g + i.
     */
    static void unpackThreeBits(MemorySegment tile, int offset, int blocks, MemorySegment pairs) {
        for (int g = 0; g < 8; g++) {
            int word = g % 4 * 3;
            int shift = g / 4 * 4;
            for (int row = 0; row < WORD; row += Lanes.BYTES) {
                IntVector low = words(tile, offset + (word + g / 4) * WORD + row);
                IntVector high = words(tile, offset + (word + 2) * WORD + row).lanewise(VectorOperators.LSHR, shift);
                int to = 2 * g * WORD + row;
                store(joinThree(low, high), 4, pairs, to);
                for (int block = 1; block < 4; block++) {
                    low = low.lanewise(VectorOperators.LSHR, 2);
                    high = high.lanewise(VectorOperators.LSHR, 1);
                    store(joinThree(low, high), 4, pairs, to + block * PAIR_BLOCK);
                }
            }
        }
    }

    private static IntVector joinThree(IntVector low, IntVector high) {
        return low.and(0x03030303).or(high.and(0x01010101).lanewise(VectorOperators.LSHL, 2));
    }

    /** Stores columns c, c + 2 and then c + 1, c + 3 of a word of bytes, each less {@code zero}. */
    private static void store(IntVector bytes, int zero, MemorySegment pairs, int at) {
        bytes.and(0x00ff00ff).reinterpretAsShorts().sub((short) zero).intoMemorySegment(pairs, at, Lanes.ORDER);
        bytes.reinterpretAsShorts()
                .lanewise(VectorOperators.LSHR, 8)
                .sub((short) zero)
                .intoMemorySegment(pairs, at + WORD, Lanes.ORDER);
    }
}
