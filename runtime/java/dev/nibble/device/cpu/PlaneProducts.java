package dev.nibble.device.cpu;

import static dev.nibble.device.cpu.WeightVectors.broadcast;
import static dev.nibble.device.cpu.WeightVectors.words;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;

/** Weights of two, three, five and six bits, whose bits lie as {@link BlockPlanes} says. */
final class PlaneProducts {
    private static final int ROWS = PackedMatrix.TILE_ROWS;
    private static final int WORD = Integer.BYTES * ROWS;

    /** The columns of a word of bytes that make its first pair. */
    private static final int EVEN = 0x00ff00ff;

    private PlaneProducts() {}

    /**
     * Unpacks a block to pairs of 16 bits, (pair, row).
     *
     * @param offset where the chunk begins in the tile
     * @param zero the stored number that means 0
     * @param at where the pairs are written
     */
    static void unpack(MemorySegment tile, int offset, BlockPlanes planes, int zero, MemorySegment pairs, int at) {
        BlockPlanes.Plane low = planes.low();
        BlockPlanes.Plane high = planes.high();
        for (int h = 0; h < 2; h++) {
            int lowAt = offset + (low.word() + h * low.halfStep()) * WORD;
            int highAt = offset + (high.word() + h * high.halfStep()) * WORD;
            for (int g = 0; g < 4; g++) {
                unpack(
                        tile,
                        lowAt + g * low.wordStep() * WORD,
                        low.shift() + g * low.shiftStep() + h * low.halfShift(),
                        planes.lowMask(),
                        highAt + g * high.wordStep() * WORD,
                        high.shift() + g * high.shiftStep() + h * high.halfShift(),
                        planes.highMask(),
                        planes.join(),
                        (short) zero,
                        pairs,
                        at + (8 * h + 2 * g) * WORD);
            }
        }
    }

    private static void unpack(
            MemorySegment tile,
            int lowAt,
            int lowShift,
            int lowMask,
            int highAt,
            int highShift,
            int highMask,
            int join,
            short zero,
            MemorySegment pairs,
            int at) {
        ShortVector zeros = ShortVector.broadcast(Lanes.SHORTS, zero);
        for (int row = 0; row < WORD; row += Lanes.BYTES) {
            IntVector l = words(tile, lowAt + row).lanewise(VectorOperators.LSHR, lowShift);
            IntVector h = words(tile, highAt + row).lanewise(VectorOperators.LSHR, highShift);
            IntVector w = l.and(lowMask).or(h.and(highMask).lanewise(VectorOperators.LSHL, join));
            ShortVector even = w.and(EVEN).reinterpretAsShorts();
            even.sub(zeros).intoMemorySegment(pairs, at + row, Lanes.ORDER);
            ShortVector odd = w.reinterpretAsShorts().lanewise(VectorOperators.LSHR, 8);
            odd.sub(zeros).intoMemorySegment(pairs, at + WORD + row, Lanes.ORDER);
        }
    }

    /**
     * Multiplies a block of two-bit weights by one row of activations.
     *
     * @param offset where the chunk begins in the tile
     * @param x pairs of activations; those of the block begin at {@code xAt}
     * @param sums receives (half block, row), from {@code to} on
     */
    static void multiplyTwoBits(
            MemorySegment tile, int offset, BlockPlanes planes, int[] x, int xAt, int[] sums, int to) {
        for (int row = 0; row < ROWS; row += 2 * Lanes.COUNT) {
            multiplyLow(tile, offset + row * Integer.BYTES, planes.low(), planes.lowMask(), x, xAt, sums, to + row);
        }
    }

    private static void multiplyLow(
            MemorySegment tile, int offset, BlockPlanes.Plane plane, int mask, int[] x, int xAt, int[] sums, int to) {
        IntVector bits = IntVector.broadcast(Lanes.INTS, mask & EVEN);
        int step = plane.wordStep() * WORD;
        for (int h = 0; h < 2; h++) {
            ShortVector sum0 = ShortVector.zero(Lanes.SHORTS);
            ShortVector sum1 = sum0;
            int at = offset + (plane.word() + h * plane.halfStep()) * WORD;
            for (int g = 0; g < 4; g++) {
                IntVector w0 = words(tile, at + g * step).lanewise(VectorOperators.LSHR, plane.shift());
                IntVector w1 = words(tile, at + g * step + Lanes.BYTES).lanewise(VectorOperators.LSHR, plane.shift());
                ShortVector v = broadcast(x, xAt + 8 * h + 2 * g);
                sum0 = sum0.add(w0.and(bits).reinterpretAsShorts().mul(v));
                sum1 = sum1.add(w1.and(bits).reinterpretAsShorts().mul(v));
                v = broadcast(x, xAt + 8 * h + 2 * g + 1);
                sum0 = sum0.add(odd(w0, bits).mul(v));
                sum1 = sum1.add(odd(w1, bits).mul(v));
            }
            sum0.reinterpretAsInts().intoArray(sums, to + h * ROWS);
            sum1.reinterpretAsInts().intoArray(sums, to + h * ROWS + Lanes.COUNT);
        }
    }

    private static ShortVector odd(IntVector words, IntVector mask) {
        return words.lanewise(VectorOperators.LSHR, 8).and(mask).reinterpretAsShorts();
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
