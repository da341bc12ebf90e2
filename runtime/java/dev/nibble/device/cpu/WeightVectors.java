package dev.nibble.device.cpu;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;

/** Steps that the integer kernels share. All are small enough for the compiler to inline. */
final class WeightVectors {
    private WeightVectors() {}

    /** A word of as many rows as there are lanes. */
    static IntVector words(MemorySegment tile, int offset) {
        return IntVector.fromMemorySegment(Lanes.INTS, tile, offset, Lanes.ORDER);
    }

    /** A pair of activations in every lane. */
    static ShortVector broadcast(int[] pairs, int at) {
        return IntVector.broadcast(Lanes.INTS, pairs[at]).reinterpretAsShorts();
    }

    /** The sum of the low and the high half of each lane. */
    static IntVector addHalves(IntVector sums) {
        return sums.lanewise(VectorOperators.LSHL, 16)
                .lanewise(VectorOperators.ASHR, 16)
                .add(sums.lanewise(VectorOperators.ASHR, 16));
    }
}
