package dev.nibble.simulator;

import java.util.List;

/**
 * An instruction and what it does according to Java.
 *
 * @param text the statement, with $d for its result and $a, $b, $c for its sources
 * @param sources what the sources are given
 * @param resultBits of the result: 1 for a predicate, 16, 32 or 64
 * @param oracle the bits of the result, from those of the sources; upper bits do not matter
 * @param equality when a result counts as right
 */
record InstructionCase(String text, List<OperandValues> sources, int resultBits, Oracle oracle, Equality equality) {
    /** Computes a result from the bits of up to three sources, which are extended without sign. */
    interface Oracle {
        long apply(long a, long b, long c);
    }

    /** How near a result must be to the oracle's. */
    enum Equality {
        BITS,
        /** Any NaN is as good as another. */
        F16,
        BF16,
        F16_PAIR,
        F32,
        /** Zeros of both signs are equal. */
        F32_ANY_ZERO,
        F64,
        /** Within 2^-21 of the value, or 2^-126 where it is small: what PTX allows for approximations, or more exact. */
        ABOUT_F32;

        boolean holds(long expected, long actual) {
            return switch (this) {
                case BITS -> expected == actual;
                case F16 -> expected == actual || isNan16(expected, 0x7c00) && isNan16(actual, 0x7c00);
                case BF16 -> expected == actual || isNan16(expected, 0x7f80) && isNan16(actual, 0x7f80);
                case F16_PAIR ->
                    F16.holds(expected & 0xffff, actual & 0xffff) && F16.holds(expected >>> 16, actual >>> 16);
                case F32 -> expected == actual || Float.isNaN(single(expected)) && Float.isNaN(single(actual));
                case F32_ANY_ZERO -> single(expected) == single(actual) || F32.holds(expected, actual);
                case F64 ->
                    expected == actual
                            || Double.isNaN(Double.longBitsToDouble(expected))
                                    && Double.isNaN(Double.longBitsToDouble(actual));
                case ABOUT_F32 -> F32.holds(expected, actual) || near(single(expected), single(actual));
            };
        }

        private static boolean isNan16(long bits, int exponent) {
            return (bits & exponent) == exponent && (bits & 0x7fff) != exponent;
        }

        private static float single(long bits) {
            return Float.intBitsToFloat((int) bits);
        }

        private static boolean near(float expected, float actual) {
            return Math.abs((double) expected - actual) <= Math.max(Math.abs(expected) * 0x1p-21, 0x1p-126);
        }
    }

    static InstructionCase of(String text, int resultBits, Oracle oracle, OperandValues... sources) {
        return new InstructionCase(text, List.of(sources), resultBits, oracle, Equality.BITS);
    }

    InstructionCase when(Equality other) {
        return new InstructionCase(text, sources, resultBits, oracle, other);
    }

    @Override
    public String toString() {
        return text;
    }
}
