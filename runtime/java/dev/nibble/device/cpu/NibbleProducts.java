package dev.nibble.device.cpu;

import static dev.nibble.device.cpu.WeightVectors.broadcast;
import static dev.nibble.device.cpu.WeightVectors.words;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;

/**
 * Weights of four bits. A block of 32 columns is four words: byte i of word g holds columns 4 g + i, low half, and 16 + 4 g + i,
 * high half.
 */
final class NibbleProducts {
    /** Bytes of a block of a tile. */
    static final int BLOCK_BYTES = 4 * Integer.BYTES * PackedMatrix.TILE_ROWS;

    private static final int WORD_BYTES = Integer.BYTES * PackedMatrix.TILE_ROWS;

    /** A four-bit number in the low end of each 16 bits. */
    private static final int LOW = 0x000f000f;

    private NibbleProducts() {}

    /**
     * Unpacks blocks to pairs of 16 bits, (block, pair, row), less the offset.
     *
     * @param zero the stored number that means 0
     */
    static void unpack(MemorySegment tile, int offset, int blocks, int zero, MemorySegment pairs) {
        for (int g = 0; g < 4 * blocks; g++) {
            int target = (g / 4 * 16 + g % 4 * 2) * WORD_BYTES;
            for (int row = 0; row < WORD_BYTES; row += Lanes.BYTES) {
                IntVector w = words(tile, offset + g * WORD_BYTES + row);
                store(w.and(LOW), zero, pairs, target + row);
                store(w.lanewise(VectorOperators.LSHR, 8).and(LOW), zero, pairs, target + WORD_BYTES + row);
                store(w.lanewise(VectorOperators.LSHR, 4).and(LOW), zero, pairs, target + 8 * WORD_BYTES + row);
                store(w.lanewise(VectorOperators.LSHR, 12).and(LOW), zero, pairs, target + 9 * WORD_BYTES + row);
            }
        }
    }

    private static void store(IntVector pair, int zero, MemorySegment pairs, int at) {
        pair.reinterpretAsShorts().sub((short) zero).intoMemorySegment(pairs, at, Lanes.ORDER);
    }

    /**
     * Multiplies blocks by one row of activations. Sums of 16 products lie within 16 · 15 · 127 = 30480, so 16 bits are exact.
     *
     * @param x pairs of activations, from {@code xAt} on
     * @param xSums sums of pairs, from {@code xAt / 8} on
     * @param zero the stored number that means 0
     * @param sums receives (block, row): the dot product of the low and of the high columns of the pairs
     */
    static void multiply(
            MemorySegment tile, int offset, int blocks, int[] x, int xAt, int[] xSums, int zero, int[] sums) {
        for (int row = 0; row < PackedMatrix.TILE_ROWS; row += 2 * Lanes.COUNT) {
            multiply(tile, offset + row * Integer.BYTES, blocks, x, xAt, sums, row);
        }
        for (int b = 0; zero != 0 && b < blocks; b++) {
            subtract(xSums, xAt / 8 + 2 * b, (short) zero, false, sums, b * PackedMatrix.TILE_ROWS);
        }
    }

    /** Two vectors of rows: their loop stands outside, so that the compiler sees one simple loop. */
    private static void multiply(MemorySegment tile, int offset, int blocks, int[] x, int xAt, int[] sums, int row) {
        IntVector low = IntVector.broadcast(Lanes.INTS, LOW);
        for (int b = 0; b < blocks; b++) {
            ShortVector sum0 = ShortVector.zero(Lanes.SHORTS);
            ShortVector sum1 = sum0;
            for (int g = 0; g < 4; g++) {
                int at = offset + b * BLOCK_BYTES + g * WORD_BYTES;
                int xg = xAt + b * 16 + 2 * g;
                IntVector w0 = words(tile, at);
                IntVector w1 = words(tile, at + Lanes.BYTES);
                ShortVector v = broadcast(x, xg);
                sum0 = sum0.add(w0.and(low).reinterpretAsShorts().mul(v));
                sum1 = sum1.add(w1.and(low).reinterpretAsShorts().mul(v));
                v = broadcast(x, xg + 1);
                sum0 = sum0.add(shifted(w0, 8, low).mul(v));
                sum1 = sum1.add(shifted(w1, 8, low).mul(v));
                v = broadcast(x, xg + 8);
                sum0 = sum0.add(shifted(w0, 4, low).mul(v));
                sum1 = sum1.add(shifted(w1, 4, low).mul(v));
                v = broadcast(x, xg + 9);
                sum0 = sum0.add(shifted(w0, 12, low).mul(v));
                sum1 = sum1.add(shifted(w1, 12, low).mul(v));
            }
            int to = b * PackedMatrix.TILE_ROWS + row;
            sum0.reinterpretAsInts().intoArray(sums, to);
            sum1.reinterpretAsInts().intoArray(sums, to + Lanes.COUNT);
        }
    }

    private static ShortVector shifted(IntVector words, int shift, IntVector mask) {
        return words.lanewise(VectorOperators.LSHR, shift).and(mask).reinterpretAsShorts();
    }

    /**
     * Takes {@code zero} times the sums of the activations away, in 16 bits.
     *
     * @param xSums the sums of a block's pairs, from {@code at} on
     * @param halves whether half blocks have sums of their own
     * @param sums (row) or (half block, row), from {@code to} on
     */
    static void subtract(int[] xSums, int at, short zero, boolean halves, int[] sums, int to) {
        ShortVector first = broadcast(xSums, at);
        ShortVector second = broadcast(xSums, at + 1);
        int rows = PackedMatrix.TILE_ROWS;
        if (halves) {
            subtract(first.mul(zero), sums, to);
            subtract(second.mul(zero), sums, to + rows);
        } else {
            subtract(first.add(second).mul(zero), sums, to);
        }
    }

    private static void subtract(ShortVector x, int[] sums, int to) {
        for (int row = to; row < to + PackedMatrix.TILE_ROWS; row += Lanes.COUNT) {
            IntVector.fromArray(Lanes.INTS, sums, row)
                    .reinterpretAsShorts()
                    .sub(x)
                    .reinterpretAsInts()
                    .intoArray(sums, row);
        }
    }
}
