package dev.nibble.device.cpu;

import static dev.nibble.device.cpu.WeightVectors.broadcast;
import static dev.nibble.device.cpu.WeightVectors.words;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
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

    /** Unpacks blocks to pairs of 16 bits, (block, pair, row), less 8. */
    static void unpack(MemorySegment tile, int offset, int blocks, MemorySegment pairs) {
        for (int g = 0; g < 4 * blocks; g++) {
            int target = (g / 4 * 16 + g % 4 * 2) * WORD_BYTES;
            for (int row = 0; row < WORD_BYTES; row += Lanes.BYTES) {
                IntVector w = words(tile, offset + g * WORD_BYTES + row);
                store(w.and(LOW), pairs, target + row);
                store(w.lanewise(VectorOperators.LSHR, 8).and(LOW), pairs, target + WORD_BYTES + row);
                store(w.lanewise(VectorOperators.LSHR, 4).and(LOW), pairs, target + 8 * WORD_BYTES + row);
                store(w.lanewise(VectorOperators.LSHR, 12).and(LOW), pairs, target + 9 * WORD_BYTES + row);
            }
        }
    }

    private static void store(IntVector pair, MemorySegment pairs, int at) {
        pair.reinterpretAsShorts().sub((short) 8).intoMemorySegment(pairs, at, Lanes.ORDER);
    }

    /**
     * Multiplies blocks by one row of activations and adds the scaled products to the results. Numbers are
     * taken less 8: sums lie within 32 · 8 · 127 = 32512, so 16 bits are exact.
     *
     * <p>Nothing masks the numbers: a stored 16-bit value shifted right by 4 k holds, modulo 2^16, number k plus 16 times the value
     * shifted by 4 (k + 1), and {@link QuantizedRows#nibblePairs} makes up for that.
     *
     * @param x activations
     * @param at where the first column stands in {@link QuantizedRows#integers}
     * @param scales (block, row)
     * @param results (row)
     */
    static void multiply(
            MemorySegment tile, int offset, int blocks, QuantizedRows x, int at, float[] scales, float[] results) {
        for (int row = 0; row < PackedMatrix.TILE_ROWS; row += 2 * Lanes.COUNT) {
            multiply(
                    tile,
                    offset + row * Integer.BYTES,
                    blocks,
                    x.nibblePairs,
                    at / 2,
                    x.nibbleBiases,
                    x.scales,
                    at / QuantizedRows.BLOCK,
                    scales,
                    row,
                    results);
        }
    }

    /** Two vectors of rows: their loop stands outside, so that the compiler sees one simple loop. */
    private static void multiply(
            MemorySegment tile,
            int offset,
            int blocks,
            int[] x,
            int xAt,
            int[] xBiases,
            float[] xScales,
            int block,
            float[] scales,
            int row,
            float[] results) {
        FloatVector result0 = FloatVector.fromArray(Lanes.FLOATS, results, row);
        FloatVector result1 = FloatVector.fromArray(Lanes.FLOATS, results, row + Lanes.COUNT);
        for (int b = 0; b < blocks; b++) {
            ShortVector sum0 = broadcast(xBiases, block + b);
            ShortVector sum1 = sum0;
            for (int g = 0; g < 4; g++) {
                int at = offset + b * BLOCK_BYTES + g * WORD_BYTES;
                int xg = xAt + b * 16 + 4 * g;
                ShortVector w0 = shorts(tile, at);
                ShortVector w1 = shorts(tile, at + Lanes.BYTES);
                ShortVector v = broadcast(x, xg);
                sum0 = sum0.add(w0.mul(v));
                sum1 = sum1.add(w1.mul(v));
                v = broadcast(x, xg + 1);
                sum0 = sum0.add(w0.lanewise(VectorOperators.LSHR, 4).mul(v));
                sum1 = sum1.add(w1.lanewise(VectorOperators.LSHR, 4).mul(v));
                v = broadcast(x, xg + 2);
                sum0 = sum0.add(w0.lanewise(VectorOperators.LSHR, 8).mul(v));
                sum1 = sum1.add(w1.lanewise(VectorOperators.LSHR, 8).mul(v));
                v = broadcast(x, xg + 3);
                sum0 = sum0.add(w0.lanewise(VectorOperators.LSHR, 12).mul(v));
                sum1 = sum1.add(w1.lanewise(VectorOperators.LSHR, 12).mul(v));
            }
            FloatVector scale = FloatVector.broadcast(Lanes.FLOATS, xScales[block + b]);
            int at = b * PackedMatrix.TILE_ROWS + row;
            result0 = scaled(sum0, scales, at).fma(scale, result0);
            result1 = scaled(sum1, scales, at + Lanes.COUNT).fma(scale, result1);
        }
        result0.intoArray(results, row);
        result1.intoArray(results, row + Lanes.COUNT);
    }

    private static ShortVector shorts(MemorySegment tile, int at) {
        return ShortVector.fromMemorySegment(Lanes.SHORTS, tile, at, Lanes.ORDER);
    }

    private static FloatVector scaled(ShortVector sums, float[] scales, int at) {
        IntVector pairs = sums.reinterpretAsInts();
        return ((FloatVector) pairs.lanewise(VectorOperators.LSHL, 16)
                        .add(pairs)
                        .lanewise(VectorOperators.ASHR, 16)
                        .convert(VectorOperators.I2F, 0))
                .mul(FloatVector.fromArray(Lanes.FLOATS, scales, at));
    }
}
