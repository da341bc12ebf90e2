package dev.nibble.device.cpu;

import static dev.nibble.device.cpu.WeightVectors.broadcast;
import static dev.nibble.device.cpu.WeightVectors.words;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;

/**
 * Products of one token with weights of three, five and six bits. Two groups of 16 columns share the words of their low bits, which
 * lie four bits apart, and those of their high bits; they are joined and multiplied together. Where the words lie is said by
 * {@link BlockPlanes}; this is the same, two groups at a time.
 *
 * @param lowWord the first word of low bits
 * @param lowStep words from one to the next four columns
 * @param lowStride words from one pair of groups to the next
 * @param lowShift how far right low bits are shifted
 * @param lowMask which bits are low bits
 * @param highWord the first word of high bits
 * @param highStep words from one to the next four columns
 * @param highStride words from one pair of groups to the next
 * @param highShift how far right high bits are shifted
 * @param highShiftStep what the next four columns add to that
 * @param highShiftStride what the next pair of groups adds to that
 * @param highMask which bits are high bits, once the first group's are shifted left
 * @param join how far left that is
 */
record PlanePairs(
        int lowWord,
        int lowStep,
        int lowStride,
        int lowShift,
        int lowMask,
        int highWord,
        int highStep,
        int highStride,
        int highShift,
        int highShiftStep,
        int highShiftStride,
        int highMask,
        int join) {
    private static final int BIT = 0x01010101;
    private static final int ROWS = PackedMatrix.TILE_ROWS;
    private static final int WORD = Integer.BYTES * ROWS;
    private static final int EVEN = 0x00ff00ff;

    /** Three bits: the half blocks of blocks {@code b} and {@code b + 2} of four. */
    static PlanePairs threeBits(int b) {
        return new PlanePairs(0, 3, 1, 2 * b, 3 * BIT, 2, 3, 0, b, 0, 4, 4 * BIT, 2);
    }

    /** Five bits: both halves of each block. */
    static PlanePairs fiveBits() {
        return new PlanePairs(0, 1, 5, 0, 15 * BIT, 4, 0, 5, 0, 1, 0, 16 * BIT, 4);
    }

    /** Six bits: the half blocks of blocks {@code b} and {@code b + 2} of four. */
    static PlanePairs sixBits(int b) {
        return new PlanePairs(b, 3, 12, 0, 15 * BIT, 2, 3, 12, 2 * b, 0, 0, 48 * BIT, 4);
    }

    /**
     * Multiplies pairs of groups.
     *
     * @param offset where the chunk begins in the tile
     * @param count the number of pairs
     * @param x pairs of activations; those of the first groups begin at {@code xAt}, {@code xStride} apart
     * @param xSecond how far behind the first those of the second group lie
     * @param sums receives the sums of the first groups, from {@code to} on, 32 apart
     * @param second how far behind the first the sums of the second group are written; 0: both are added up
     */
    void multiply(
            MemorySegment tile,
            int offset,
            int count,
            int[] x,
            int xAt,
            int xStride,
            int xSecond,
            int[] sums,
            int to,
            int second) {
        for (int row = 0; row < ROWS; row += Lanes.COUNT) {
            multiplyRows(tile, offset + row * Integer.BYTES, count, x, xAt, xStride, xSecond, sums, to + row, second);
        }
    }

    private void multiplyRows(
            MemorySegment tile,
            int offset,
            int count,
            int[] x,
            int xAt,
            int xStride,
            int xSecond,
            int[] sums,
            int to,
            int second) {
        IntVector even = IntVector.broadcast(Lanes.INTS, EVEN);
        IntVector lowBits = IntVector.broadcast(Lanes.INTS, lowMask);
        IntVector highBits = IntVector.broadcast(Lanes.INTS, highMask);
        int left = join;
        for (int i = 0; i < count; i++) {
            ShortVector sum0 = ShortVector.zero(Lanes.SHORTS);
            ShortVector sum1 = sum0;
            int lowAt = offset + (lowWord + i * lowStride) * WORD;
            int highAt = offset + (highWord + i * highStride) * WORD;
            int shift = highShift + i * highShiftStride;
            int xi = xAt + i * xStride;
            for (int g = 0; g < 4; g++) {
                IntVector l = words(tile, lowAt + g * lowStep * WORD).lanewise(VectorOperators.LSHR, lowShift);
                IntVector h = words(tile, highAt + g * highStep * WORD)
                        .lanewise(VectorOperators.LSHR, shift + g * highShiftStep);
                IntVector w =
                        l.and(lowBits).or(h.lanewise(VectorOperators.LSHL, left).and(highBits));
                sum0 = sum0.add(w.and(even).reinterpretAsShorts().mul(broadcast(x, xi + 2 * g)));
                sum0 = sum0.add(odd(w).mul(broadcast(x, xi + 2 * g + 1)));
                w = l.lanewise(VectorOperators.LSHR, 4).and(lowBits).or(h.and(highBits));
                sum1 = sum1.add(w.and(even).reinterpretAsShorts().mul(broadcast(x, xi + xSecond + 2 * g)));
                sum1 = sum1.add(odd(w).mul(broadcast(x, xi + xSecond + 2 * g + 1)));
            }
            if (second == 0) {
                sum0 = sum0.add(sum1);
            } else {
                sum1.reinterpretAsInts().intoArray(sums, to + i * ROWS + second);
            }
            sum0.reinterpretAsInts().intoArray(sums, to + i * ROWS);
        }
    }

    private static ShortVector odd(IntVector words) {
        return words.reinterpretAsShorts().lanewise(VectorOperators.LSHR, 8);
    }
}
