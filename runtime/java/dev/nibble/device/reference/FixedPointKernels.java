package dev.nibble.device.reference;

import dev.nibble.device.Arithmetic;
import dev.nibble.device.Buffer;
import dev.nibble.quant.affine.AffineParameters;
import dev.nibble.quant.affine.ChannelScales;
import dev.nibble.quant.affine.OutputScale;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** Products in integers, as {@link Arithmetic#FIXED_POINT} defines them. */
final class FixedPointKernels {
    private FixedPointKernels() {}

    /** The quantized input of a weight; for weights of floats, which nobody quantizes an input for, it is made here. */
    static AffineRows input(ReferenceWeight weight, Buffer x, @Nullable Buffer quantized, int live) {
        if (!weight.shape().takesFloats() && quantized != null) {
            return (AffineRows) ((ReferenceBuffer) quantized).content();
        }
        AffineRows rows = AffineRows.of(x.rows(), x.width());
        for (int row = 0; row < live; row++) {
            rows.quantize(ReferenceBuffer.floats(x), row);
        }
        return rows;
    }

    /**
     * Multiplies inputs by a matrix.
     *
     * @param matrix which of the weight's matrices
     * @param at for each input where its values begin in {@code x}
     * @param out receives the outputs
     * @param to for each input where its outputs begin in {@code out}
     */
    static void multiply(
            ReferenceWeight weight,
            int matrix,
            AffineRows x,
            int[] at,
            float @Nullable [] bias,
            float[] out,
            int[] to,
            Workers workers) {
        int outputs = weight.shape().rows();
        int[][] sums = new int[at.length][outputs];
        ChannelScales scales = weight.channels().matrices()[matrix];
        workers.split(outputs, (from, end) -> {
            byte[] integers = new byte[weight.shape().columns()];
            for (int i = from; i < end; i++) {
                weight.quantize((long) matrix * outputs + i, integers);
                for (int input = 0; input < at.length; input++) {
                    sums[input][i] = scales.toUnit(i, sum(integers, x, at[input]));
                }
            }
        });
        for (int input = 0; input < at.length; input++) {
            AffineParameters mapping = x.parametersOf(at[input]);
            for (int i = 0; i < outputs; i++) {
                out[to[input] + i] = Float.NaN;
            }
            if (mapping != null) {
                requantize(sums[input], scales.unit() * mapping.scale(), out, to[input]);
            }
            for (int i = 0; bias != null && i < outputs; i++) {
                out[to[input] + i] += bias[i];
            }
        }
    }

    private static int sum(byte[] weights, AffineRows x, int at) {
        AffineParameters mapping = x.parametersOf(at);
        int sum = 0;
        for (int i = 0; i < weights.length && mapping != null; i++) {
            sum += weights[i] * (x.values()[at + i] - mapping.zeroPoint());
        }
        return sum;
    }

    private static void requantize(int[] sums, double unit, float[] out, int to) {
        int least = Math.min(0, Arrays.stream(sums).min().orElseThrow());
        int greatest = Math.max(0, Arrays.stream(sums).max().orElseThrow());
        OutputScale scale = OutputScale.of(least, greatest, unit);
        for (int i = 0; i < sums.length; i++) {
            out[to + i] = scale.requantize(sums[i]);
        }
    }
}
