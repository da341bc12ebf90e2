package dev.nibble.device.cpu;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;

/** Widens finite IEEE half precision floats to single precision; exact. */
final class HalfFloats {
    private HalfFloats() {}

    /** Converts {@code count} halves, a multiple of the lanes. */
    static void widen(MemorySegment source, int offset, float[] target, int count) {
        for (int i = 0; i < count; i += Lanes.COUNT) {
            ShortVector bits =
                    ShortVector.fromMemorySegment(Lanes.HALVES, source, offset + i * Short.BYTES, Lanes.ORDER);
            floats((IntVector) bits.convertShape(VectorOperators.S2I, Lanes.INTS, 0))
                    .intoArray(target, i);
        }
    }

    /**
     * The values of sign-extended halves. Shifted to their places in a float, exponents are too small by 112; the product makes
     * up for that, for subnormal halves too.
     */
    private static FloatVector floats(IntVector halves) {
        return halves.lanewise(VectorOperators.LSHL, 13)
                .lanewise(VectorOperators.AND, 0x8fffe000)
                .reinterpretAsFloats()
                .mul(0x1p112f);
    }
}
