package dev.nibble.device.cpu;

import dev.nibble.quant.affine.AffineParameters;
import dev.nibble.quant.affine.Range;
import java.util.Optional;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;

/** Quantizes floats to integers with a scale and a zero point, in vectors: the same integers as {@link AffineParameters}. */
final class AffineVectors {
    /** Added to a number within ±2^22 and taken off again, it leaves the nearest integer, the even one of two. */
    private static final float ROUNDING = 0x1.8p23f;

    private AffineVectors() {}

    /** From the least to the greatest value; empty if one is NaN or infinite. */
    static Optional<Range> range(float[] x, int count) {
        float least = x[0];
        float greatest = x[0];
        int whole = Rows.whole(count);
        if (whole > 0) {
            FloatVector low = FloatVector.fromArray(Lanes.FLOATS, x, 0);
            FloatVector high = low;
            for (int i = Lanes.COUNT; i < whole; i += Lanes.COUNT) {
                FloatVector values = FloatVector.fromArray(Lanes.FLOATS, x, i);
                low = low.min(values);
                high = high.max(values);
            }
            least = low.reduceLanes(VectorOperators.MIN);
            greatest = high.reduceLanes(VectorOperators.MAX);
        }
        for (int i = whole; i < count; i++) {
            least = Math.min(least, x[i]);
            greatest = Math.max(greatest, x[i]);
        }
        boolean finite = Float.isFinite(least) && Float.isFinite(greatest);
        return finite ? Optional.of(new Range(least, greatest)) : Optional.empty();
    }

    /** Quantizes finite values; the integers are written as floats. */
    static void quantize(AffineParameters mapping, float[] x, int at, int count, float[] integers, int to) {
        // Clipping before rounding: the ends are integers, so the order does not matter, and nothing large is left to
        // round.
        float least = mapping.least() - mapping.zeroPoint();
        float greatest = mapping.greatest() - mapping.zeroPoint();
        int whole = Rows.whole(count);
        for (int i = 0; i < whole; i += Lanes.COUNT) {
            FloatVector.fromArray(Lanes.FLOATS, x, at + i)
                    .div(mapping.scale())
                    .max(least)
                    .min(greatest)
                    .add(ROUNDING)
                    .sub(ROUNDING)
                    .add(mapping.zeroPoint())
                    .intoArray(integers, to + i);
        }
        for (int i = whole; i < count; i++) {
            integers[to + i] = mapping.quantize(x[at + i]);
        }
    }
}
