package dev.nibble.device.reference;

import dev.nibble.device.Arithmetic;
import dev.nibble.device.Buffer;
import dev.nibble.quant.affine.AffineParameters;
import dev.nibble.quant.affine.ChannelScales;
import dev.nibble.quant.affine.OutputScale;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Products of a weight in integers, as {@link Arithmetic#FIXED_POINT} defines them.
 *
 * @param weight the weight
 * @param x what it is multiplied with
 * @param workers the threads
 */
record FixedPointProduct(ReferenceWeight weight, AffineRows x, Workers workers) {
    /**
     * Where inputs and outputs lie.
     *
     * @param at for each input where its values begin in {@code x}
     * @param to for each input where its outputs begin
     */
    record Places(int[] at, int[] to) {}

    /**
     * The product of a weight with the first rows of its input; for weights of floats, which nobody quantizes an input for, that is
     * done here.
     */
    static FixedPointProduct of(
            ReferenceWeight weight, Buffer x, @Nullable Buffer quantized, int live, Workers workers) {
        return new FixedPointProduct(weight, input(weight, x, quantized, live), workers);
    }

    private static AffineRows input(ReferenceWeight weight, Buffer x, @Nullable Buffer quantized, int live) {
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
     * @param bias is added to the outputs; or none
     * @param out receives the outputs
     */
    void multiply(int matrix, Places places, float @Nullable [] bias, float[] out) {
        int[] at = places.at();
        int[] to = places.to();
        int outputs = weight.shape().rows();
        int[][] sums = new int[at.length][outputs];
        ChannelScales scales = weight.channels().matrices()[matrix];
        workers.split(outputs, (from, end) -> {
            byte[] integers = new byte[weight.shape().columns()];
            for (int i = from; i < end; i++) {
                weight.quantize((long) matrix * outputs + i, integers);
                for (int input = 0; input < at.length; input++) {
                    sums[input][i] = scales.toUnit(i, sum(integers, at[input]));
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

    private int sum(byte[] weights, int at) {
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
