package dev.nibble.device.cpu;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;

/** Steps that the integer kernels share. All are small enough for the compiler to inline. */
final class WeightVectors {
    /** The bits of a half precision float where a single precision one has them, before its exponent is put right. */
    private static final int HALF_IN_FLOAT = 0x8fffe000;

    private WeightVectors() {}

    /** A word of as many rows as there are lanes. */
    static IntVector words(MemorySegment tile, int offset) {
        return IntVector.fromMemorySegment(Lanes.INTS, tile, offset, Lanes.ORDER);
    }

    /** The same as pairs of 16 bits. */
    static ShortVector pairs(MemorySegment tile, int offset) {
        return ShortVector.fromMemorySegment(Lanes.SHORTS, tile, offset, Lanes.ORDER);
    }

    /** A pair of activations in every lane. */
    static ShortVector broadcast(int[] pairs, int at) {
        return IntVector.broadcast(Lanes.INTS, pairs[at]).reinterpretAsShorts();
    }

    /** The number at {@code x[at]} in every lane. */
    static FloatVector broadcast(float[] x, int at) {
        return FloatVector.broadcast(Lanes.FLOATS, x[at]);
    }

    /** The high half of each lane, with its sign. */
    static IntVector highHalves(IntVector pairs) {
        return pairs.lanewise(VectorOperators.ASHR, 16);
    }

    /** Byte {@code i} of each lane, with its sign. */
    static IntVector signedByte(IntVector words, int i) {
        return words.lanewise(VectorOperators.LSHL, 24 - 8 * i).lanewise(VectorOperators.ASHR, 24);
    }

    /** Integers as floats. */
    static FloatVector floats(IntVector integers) {
        return (FloatVector) integers.convert(VectorOperators.I2F, 0);
    }

    /** The finite half precision floats in the low half of each lane; exact. */
    static FloatVector lowFloats(IntVector halves) {
        return highFloats(halves.lanewise(VectorOperators.LSHL, 16));
    }

    /**
     * The finite half precision floats in the high half of each lane; exact. Shifted to their places in a float, exponents are too
     * small by 112; the product makes up for that, for subnormal halves too.
     */
    static FloatVector highFloats(IntVector halves) {
        return halves.lanewise(VectorOperators.ASHR, 3)
                .and(HALF_IN_FLOAT)
                .reinterpretAsFloats()
                .mul(0x1p112f);
    }
}
