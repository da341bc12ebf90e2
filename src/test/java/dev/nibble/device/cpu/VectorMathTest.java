package dev.nibble.device.cpu;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Random;
import java.util.function.DoubleUnaryOperator;
import java.util.function.UnaryOperator;
import jdk.incubator.vector.FloatVector;
import org.junit.jupiter.api.Test;

/** Elementary functions beside those of doubles. */
class VectorMathTest {
    private static final double ERROR = 0x1p-22;

    @Test
    void powersOfE() {
        relative(VectorMath::exp, Math::exp, -86, 88);
        assertEquals(0, VectorMath.exp(splat(-86.1f)).lane(0));
        assertEquals(0, VectorMath.exp(splat(-1e30f)).lane(0));
        assertEquals(
                VectorMath.exp(splat(88)).lane(0), VectorMath.exp(splat(1e30f)).lane(0));
    }

    @Test
    void powersOfTwo() {
        for (int exponent : new int[] {0, 1, AttentionProduct.HALF_EXPONENT}) {
            relative(x -> VectorMath.exp2Below(x, exponent), x -> Math.pow(2, x + exponent), -124, 1);
            assertEquals(0, VectorMath.exp2Below(splat(-124.1f), exponent).lane(0));
            assertEquals(0, VectorMath.exp2Below(splat(-1e30f), exponent).lane(0));
            assertEquals(
                    Math.scalb(1f, exponent),
                    VectorMath.exp2Below(splat(0), exponent).lane(0));
        }
    }

    /** So often that it is interpreted at first and compiled in the end: the order of additions must stay. */
    @Test
    void sumsHaveOneOrder() {
        Random random = new Random(5);
        float[] x = new float[Lanes.COUNT];
        for (int round = 0; round < 100_000; round++) {
            for (int i = 0; i < x.length; i++) {
                x[i] = random.nextFloat() - 0.5f;
            }
            float sum = VectorMath.sum(FloatVector.fromArray(Lanes.FLOATS, x, 0));
            for (int half = x.length / 2; half > 0; half /= 2) {
                for (int i = 0; i < half; i++) {
                    x[i] += x[half + i];
                }
            }
            assertEquals(x[0], sum, "round " + round);
        }
    }

    private static void relative(
            UnaryOperator<FloatVector> tested, DoubleUnaryOperator exact, double from, double below) {
        Random random = new Random(1);
        float[] x = new float[Lanes.COUNT];
        for (int round = 0; round < 2000; round++) {
            for (int i = 0; i < x.length; i++) {
                x[i] = (float) random.nextDouble(from, below);
            }
            FloatVector y = tested.apply(FloatVector.fromArray(Lanes.FLOATS, x, 0));
            for (int i = 0; i < x.length; i++) {
                double expected = exact.applyAsDouble(x[i]);
                assertEquals(expected, y.lane(i), ERROR * expected, "at " + x[i]);
            }
        }
    }

    private static FloatVector splat(float value) {
        return FloatVector.broadcast(Lanes.FLOATS, value);
    }
}
