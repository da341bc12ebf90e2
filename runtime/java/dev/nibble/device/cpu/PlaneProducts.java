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
     * Multiplies a block by one row of activations. In 16 bits: six bits less 32 add up to 8 · 32 · 127 = 32512 at most in half a
     * block, five bits less 16 to 16 · 16 · 127 = 32512 in a block, once {@code zero} is taken away.
     *
     * @param offset where the chunk begins in the tile
     * @param xAt where the block begins in the pairs of activations
     * @param zero the stored number that means 0
     * @param halves whether half blocks have sums of their own
     * @param sums receives (row) or (half block, row), from {@code to} on
     */
    static void multiply(
            MemorySegment tile,
            int offset,
            BlockPlanes planes,
            QuantizedRows x,
            int xAt,
            int zero,
            boolean halves,
            int[] sums,
            int to) {
        for (int row = 0; row < ROWS; row += 2 * Lanes.COUNT) {
            int at = offset + row * Integer.BYTES;
            if (planes.highMask() == 0) {
                multiplyLow(tile, at, planes.low(), planes.lowMask(), x.pairs, xAt, halves, sums, to + row);
            } else {
                multiplyJoined(tile, at, planes, x.pairs, xAt, halves, sums, to + row);
            }
        }
        if (zero != 0) {
            subtract(x.pairSums, xAt / 8, (short) zero, halves, sums, to);
        }
    }

    private static void multiplyLow(
            MemorySegment tile,
            int offset,
            BlockPlanes.Plane plane,
            int mask,
            int[] x,
            int xAt,
            boolean halves,
            int[] sums,
            int to) {
        ShortVector sum0 = ShortVector.zero(Lanes.SHORTS);
        ShortVector sum1 = sum0;
        IntVector bits = IntVector.broadcast(Lanes.INTS, mask & EVEN);
        int step = plane.wordStep() * WORD;
        for (int h = 0; h < 2; h++) {
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
            if (halves || h == 1) {
                int at0 = halves ? to + h * ROWS : to;
                sum0.reinterpretAsInts().intoArray(sums, at0);
                sum1.reinterpretAsInts().intoArray(sums, at0 + Lanes.COUNT);
                sum0 = ShortVector.zero(Lanes.SHORTS);
                sum1 = sum0;
            }
        }
    }

    private static ShortVector odd(IntVector words, IntVector mask) {
        return words.lanewise(VectorOperators.LSHR, 8).and(mask).reinterpretAsShorts();
    }

    private static void multiplyJoined(
            MemorySegment tile, int offset, BlockPlanes planes, int[] x, int xAt, boolean halves, int[] sums, int to) {
        BlockPlanes.Plane low = planes.low();
        BlockPlanes.Plane high = planes.high();
        ShortVector sum0 = ShortVector.zero(Lanes.SHORTS);
        ShortVector sum1 = sum0;
        IntVector lowMask = IntVector.broadcast(Lanes.INTS, planes.lowMask());
        IntVector highMask = IntVector.broadcast(Lanes.INTS, planes.highMask());
        IntVector even = IntVector.broadcast(Lanes.INTS, EVEN);
        int join = planes.join();
        for (int h = 0; h < 2; h++) {
            int lowAt = offset + (low.word() + h * low.halfStep()) * WORD;
            int highAt = offset + (high.word() + h * high.halfStep()) * WORD;
            int lowShift = low.shift() + h * low.halfShift();
            int highShift = high.shift() + h * high.halfShift();
            for (int g = 0; g < 4; g++) {
                int l = lowAt + g * low.wordStep() * WORD;
                int i = highAt + g * high.wordStep() * WORD;
                int shift = highShift + g * high.shiftStep();
                IntVector w0 = shifted(tile, l, lowShift, lowMask)
                        .or(shifted(tile, i, shift, highMask).lanewise(VectorOperators.LSHL, join));
                IntVector w1 = shifted(tile, l + Lanes.BYTES, lowShift, lowMask)
                        .or(shifted(tile, i + Lanes.BYTES, shift, highMask).lanewise(VectorOperators.LSHL, join));
                ShortVector v = broadcast(x, xAt + 8 * h + 2 * g);
                sum0 = sum0.add(w0.and(even).reinterpretAsShorts().mul(v));
                sum1 = sum1.add(w1.and(even).reinterpretAsShorts().mul(v));
                v = broadcast(x, xAt + 8 * h + 2 * g + 1);
                sum0 = sum0.add(top(w0).mul(v));
                sum1 = sum1.add(top(w1).mul(v));
            }
            if (halves || h == 1) {
                int at = halves ? to + h * ROWS : to;
                sum0.reinterpretAsInts().intoArray(sums, at);
                sum1.reinterpretAsInts().intoArray(sums, at + Lanes.COUNT);
                sum0 = ShortVector.zero(Lanes.SHORTS);
                sum1 = sum0;
            }
        }
    }

    private static IntVector shifted(MemorySegment tile, int at, int shift, IntVector mask) {
        return words(tile, at).lanewise(VectorOperators.LSHR, shift).and(mask);
    }

    private static ShortVector top(IntVector words) {
        return words.reinterpretAsShorts().lanewise(VectorOperators.LSHR, 8);
    }

    /**
     * Takes {@code zero} times the sums of the activations away, in 16 bits.
     *
     * @param xSums the sums of a block's pairs, from {@code at} on
     * @param halves whether half blocks have sums of their own
     * @param sums (row) or (half block, row), from {@code to} on
     */
    private static void subtract(int[] xSums, int at, short zero, boolean halves, int[] sums, int to) {
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
