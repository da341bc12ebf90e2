package dev.nibble.device.cpu;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShuffle;

/** Elementary functions on vectors of floats, to a relative error of about 2⁻²³. */
final class VectorMath {
    /** log2 of e. */
    static final float LOG2_E = 1.44269504f;

    /** 1.5 · 2²³: added to a small float, it rounds it to an integer, which then stands in the low bits. */
    private static final float ROUNDER = 12582912f;

    /** ln 2 in two parts, the first with few bits, so that its product with an integer is exact (Cody and Waite). */
    private static final float LN2_HIGH = 0.693359375f;

    private static final float LN2_LOW = -2.12194440e-4f;
    private static final float LOWEST = -86f;
    private static final float HIGHEST = 88f;
    private static final float LOWEST_POWER = -124f;
    private static final int MANTISSA_BITS = 23;

    private static final VectorShuffle<Float> BY_8 = distance(8);
    private static final VectorShuffle<Float> BY_4 = distance(4);
    private static final VectorShuffle<Float> BY_2 = distance(2);
    private static final VectorShuffle<Float> BY_1 = distance(1);

    private VectorMath() {}

    /** Lane i is lane i + {@code lanes}, round in a circle. */
    private static VectorShuffle<Float> distance(int lanes) {
        return VectorShuffle.iota(Lanes.FLOATS, lanes % Lanes.COUNT, 1, true);
    }

    /**
     * The sum of all lanes: those of the upper half are added to those of the lower, and so on. The reduction of the Vector API adds in
     * another order once it is compiled, so that the same input would not always give the same bits.
     */
    static float sum(FloatVector x) {
        FloatVector sum = x;
        if (Lanes.COUNT > 8) {
            sum = sum.add(sum.rearrange(BY_8));
        }
        if (Lanes.COUNT > 4) {
            sum = sum.add(sum.rearrange(BY_4));
        }
        sum = sum.add(sum.rearrange(BY_2));
        return sum.add(sum.rearrange(BY_1)).lane(0);
    }

    /** e to the power of x; 0 for x below −86, that of 88 above 88. */
    static FloatVector exp(FloatVector x) {
        FloatVector low = x.blend(HIGHEST, x.compare(VectorOperators.GT, HIGHEST));
        FloatVector shifted = low.fma(splat(LOG2_E), splat(ROUNDER));
        FloatVector n = shifted.sub(ROUNDER);
        FloatVector r = n.fma(splat(-LN2_HIGH), low);
        r = n.fma(splat(-LN2_LOW), r);
        // The polynomial of the Cephes library for e^r, |r| <= ln 2 / 2.
        FloatVector p = r.fma(splat(1.9875691500e-4f), splat(1.3981999507e-3f));
        p = p.fma(r, splat(8.3334519073e-3f));
        p = p.fma(r, splat(4.1665795894e-2f));
        p = p.fma(r, splat(1.6666665459e-1f));
        p = p.fma(r, splat(5.0000001201e-1f));
        p = p.fma(r.mul(r), r.add(1f));
        return timesPower(p, shifted).blend(0f, x.compare(VectorOperators.LT, LOWEST));
    }

    /**
     * 2 to the power of x, times 2 to the power of {@code exponent}: for results that are no larger than the largest float; 0
     * for x below −124. Takes fewer steps than {@link #exp}, as no factor stands between x and the power.
     */
    static FloatVector exp2Below(FloatVector x, int exponent) {
        FloatVector shifted = x.add(ROUNDER + exponent);
        FloatVector r = x.sub(shifted.sub(ROUNDER + exponent));
        // Of the least relative error for 2^r, |r| <= 1/2: 3e-9.
        FloatVector p = r.fma(splat(1.55946775e-4f), splat(1.34066439e-3f));
        p = p.fma(r, splat(9.61769293e-3f));
        p = p.fma(r, splat(5.55031055e-2f));
        p = p.fma(r, splat(2.40226528e-1f));
        p = p.fma(r, splat(6.93147215e-1f));
        p = p.fma(r, splat(1f));
        return timesPower(p, shifted).blend(0f, x.compare(VectorOperators.LT, LOWEST_POWER));
    }

    /** x times 2 to the power of the integer in the low bits of {@code shifted}. */
    private static FloatVector timesPower(FloatVector x, FloatVector shifted) {
        IntVector power = shifted.reinterpretAsInts().lanewise(VectorOperators.LSHL, MANTISSA_BITS);
        return x.reinterpretAsInts().add(power).reinterpretAsFloats();
    }

    /** 1 / (1 + e⁻ˣ). */
    static FloatVector sigmoid(FloatVector x) {
        return splat(1f).div(exp(x.neg()).add(1f));
    }

    /** The hyperbolic tangent, to an absolute error of about 2⁻²³. */
    static FloatVector tanh(FloatVector x) {
        return splat(1f).sub(splat(2f).div(exp(x.add(x)).add(1f)));
    }

    /** The larger of two, lane by lane; which of two zeros is not said. */
    static FloatVector larger(FloatVector a, FloatVector b) {
        return a.blend(b, b.compare(VectorOperators.GT, a));
    }

    private static FloatVector splat(float value) {
        return FloatVector.broadcast(Lanes.FLOATS, value);
    }
}
