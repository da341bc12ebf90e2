package dev.nibble.device.cpu;

import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShuffle;

/** Brings quantized activations into the pairs of {@link QuantizedRows}. */
final class ActivationPairs {
    /** The columns that become the low half of a pair: two of every four. */
    static final VectorMask<Integer> LOW = mask(lane -> lane % 4 < 2);

    /** Where in a vector the low halves of its pairs stand, once for each half of the vector of pairs. */
    private static final VectorShuffle<Integer> LOW_PLACES = shuffle(lane -> (lane / 2 * 4 + lane % 2) % Lanes.COUNT);

    private static final VectorShuffle<Integer> HIGH_PLACES =
            shuffle(lane -> (lane / 2 * 4 + lane % 2) % Lanes.COUNT + 2);
    private static final VectorMask<Integer> UPPER = mask(lane -> lane >= Lanes.COUNT / 2);
    private static final VectorShuffle<Integer> TWICE = shuffle(lane -> lane / 2);
    private static final VectorMask<Integer> ODD = mask(lane -> lane % 2 == 1);
    private static final VectorShuffle<Integer> BEFORE = shuffle(lane -> Math.max(0, lane - 1));
    private static final VectorMask<Integer> FIRST = mask(lane -> lane % 4 == 0);

    private static final int BLOCK = QuantizedRows.BLOCK / 2;

    private ActivationPairs() {}

    private interface LaneFunction {
        int of(int lane);
    }

    private interface LaneTest {
        boolean of(int lane);
    }

    private static VectorShuffle<Integer> shuffle(LaneFunction places) {
        return VectorShuffle.fromOp(Lanes.INTS, places::of);
    }

    private static VectorMask<Integer> mask(LaneTest test) {
        boolean[] lanes = new boolean[Lanes.COUNT];
        for (int lane = 0; lane < lanes.length; lane++) {
            lanes[lane] = test.of(lane);
        }
        return VectorMask.fromArray(Lanes.INTS, lanes, 0);
    }

    /** The pairs of as many columns as two vectors hold. */
    static IntVector pairs(IntVector q0, IntVector q1) {
        IntVector low = q0.rearrange(LOW_PLACES).blend(q1.rearrange(LOW_PLACES), UPPER);
        IntVector high = q0.rearrange(HIGH_PLACES).blend(q1.rearrange(HIGH_PLACES), UPPER);
        return low.and(0xffff).or(high.lanewise(VectorOperators.LSHL, 16));
    }

    /**
     * Derives the pairs that four-bit numbers are multiplied by. Of a block's 16 pairs, 0 … 7 belong to the low and 8 … 15 to the
     * high four bits; a word meets pairs p, 8 + p, p + 1 and 9 + p, each less 16 times the one before it.
     *
     * @param begin the first pair, at the start of a block
     * @param end the end of the pairs, at the end of a block
     */
    static void nibbles(int[] pairs, int[] nibblePairs, int begin, int end) {
        for (int block = begin; block < end; block += BLOCK) {
            for (int i = 0; i < BLOCK; i += Lanes.COUNT) {
                IntVector low = IntVector.fromArray(Lanes.INTS, pairs, block + i / 2);
                IntVector high = IntVector.fromArray(Lanes.INTS, pairs, block + BLOCK / 2 + i / 2);
                IntVector met = low.rearrange(TWICE).blend(high.rearrange(TWICE), ODD);
                ShortVector before = met.rearrange(BEFORE).blend(0, FIRST).reinterpretAsShorts();
                met.reinterpretAsShorts()
                        .sub(before.lanewise(VectorOperators.LSHL, 4))
                        .reinterpretAsInts()
                        .intoArray(nibblePairs, block + i);
            }
        }
    }
}
