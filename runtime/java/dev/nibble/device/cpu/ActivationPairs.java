package dev.nibble.device.cpu;

import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShuffle;

/** Brings quantized activations into the pairs of {@link QuantizedRows}. */
final class ActivationPairs {
    /** Where in a vector the low halves of its pairs stand, once for each half of the vector of pairs. */
    private static final VectorShuffle<Integer> LOW_PLACES = shuffle(lane -> (lane / 2 * 4 + lane % 2) % Lanes.COUNT);

    private static final VectorShuffle<Integer> HIGH_PLACES =
            shuffle(lane -> (lane / 2 * 4 + lane % 2) % Lanes.COUNT + 2);
    private static final VectorMask<Integer> UPPER = VectorMask.fromLong(Lanes.INTS, -1L << Lanes.COUNT / 2);

    private ActivationPairs() {}

    private interface LaneFunction {
        int of(int lane);
    }

    private static VectorShuffle<Integer> shuffle(LaneFunction places) {
        return VectorShuffle.fromOp(Lanes.INTS, places::of);
    }

    /** The pairs of as many columns as two vectors hold. */
    static IntVector pairs(IntVector q0, IntVector q1) {
        IntVector low = q0.rearrange(LOW_PLACES).blend(q1.rearrange(LOW_PLACES), UPPER);
        IntVector high = q0.rearrange(HIGH_PLACES).blend(q1.rearrange(HIGH_PLACES), UPPER);
        return low.and(0xffff).or(high.lanewise(VectorOperators.LSHL, 16));
    }
}
