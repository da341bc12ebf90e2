package dev.nibble.device.cpu;

import static dev.nibble.device.cpu.WeightVectors.addHalves;
import static dev.nibble.device.cpu.WeightVectors.broadcast;
import static dev.nibble.device.cpu.WeightVectors.words;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;

/** Weights of eight bits, signed. A block of 32 columns is eight words: byte i of word g holds column 4 g + i. */
final class ByteProducts {
    /** Bytes of a block of a tile. */
    static final int BLOCK_BYTES = 8 * Integer.BYTES * PackedMatrix.TILE_ROWS;

    private static final int WORD_BYTES = Integer.BYTES * PackedMatrix.TILE_ROWS;

    private ByteProducts() {}

    /** Unpacks blocks to floats, (block, column, row). */
    static void unpack(MemorySegment tile, int offset, int blocks, MemorySegment floats) {
        for (int g = 0; g < 8 * blocks; g++) {
            int target = 4 * g * WORD_BYTES;
            for (int row = 0; row < WORD_BYTES; row += Lanes.BYTES) {
                IntVector w = words(tile, offset + g * WORD_BYTES + row);
                store(w.lanewise(VectorOperators.LSHL, 24), floats, target + row);
                store(w.lanewise(VectorOperators.LSHL, 16), floats, target + WORD_BYTES + row);
                store(w.lanewise(VectorOperators.LSHL, 8), floats, target + 2 * WORD_BYTES + row);
                store(w, floats, target + 3 * WORD_BYTES + row);
            }
        }
    }

    private static void store(IntVector topByte, MemorySegment floats, int at) {
        ((FloatVector) topByte.lanewise(VectorOperators.ASHR, 24).convert(VectorOperators.I2F, 0))
                .intoMemorySegment(floats, at, Lanes.ORDER);
    }

    /**
     * Multiplies blocks by one row of activations. Sums of two products lie within 2 · 128 · 127 = 32512, so 16 bits are exact;
     * they are added up in 32 bits.
     *
     * @param x pairs of activations, from {@code xAt} on
     * @param sums receives (block, row): the dot products, which floats hold exactly
     */
    static void multiply(MemorySegment tile, int offset, int blocks, int[] x, int xAt, float[] sums) {
        for (int row = 0; row < PackedMatrix.TILE_ROWS; row += 2 * Lanes.COUNT) {
            multiply(tile, offset + row * Integer.BYTES, blocks, x, xAt, sums, row);
        }
    }

    private static void multiply(MemorySegment tile, int offset, int blocks, int[] x, int xAt, float[] sums, int row) {
        for (int b = 0; b < blocks; b++) {
            IntVector sum0 = IntVector.zero(Lanes.INTS);
            IntVector sum1 = sum0;
            for (int g = 0; g < 8; g++) {
                int at = offset + b * BLOCK_BYTES + g * WORD_BYTES;
                ShortVector even = broadcast(x, xAt + b * 16 + 2 * g);
                ShortVector odd = broadcast(x, xAt + b * 16 + 2 * g + 1);
                sum0 = sum0.add(addHalves(products(words(tile, at), even, odd)));
                sum1 = sum1.add(addHalves(products(words(tile, at + Lanes.BYTES), even, odd)));
            }
            int to = b * PackedMatrix.TILE_ROWS + row;
            ((FloatVector) sum0.convert(VectorOperators.I2F, 0)).intoArray(sums, to);
            ((FloatVector) sum1.convert(VectorOperators.I2F, 0)).intoArray(sums, to + Lanes.COUNT);
        }
    }

    private static IntVector products(IntVector words, ShortVector even, ShortVector odd) {
        ShortVector w = words.reinterpretAsShorts();
        return w.lanewise(VectorOperators.LSHL, 8)
                .lanewise(VectorOperators.ASHR, 8)
                .mul(even)
                .add(w.lanewise(VectorOperators.ASHR, 8).mul(odd))
                .reinterpretAsInts();
    }
}
