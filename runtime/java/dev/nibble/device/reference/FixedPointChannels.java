package dev.nibble.device.reference;

import dev.nibble.UnsupportedFeatureException;
import dev.nibble.device.WeightShape;
import dev.nibble.quant.affine.AffineParameters;
import dev.nibble.quant.affine.ChannelScales;
import dev.nibble.quant.affine.IntegerWidth;
import dev.nibble.quant.affine.Range;
import dev.nibble.quant.affine.Symmetry;

/**
 * How the rows of a weight are quantized to int8.
 *
 * @param rows (matrices × rows): of each row
 * @param matrices (matrices): what brings the sums of a matrix to one unit
 */
record FixedPointChannels(AffineParameters[] rows, ChannelScales[] matrices) {
    /** Decodes a row of all matrices. */
    interface Decoder {
        void decode(long row, float[] values);
    }

    static FixedPointChannels of(WeightShape shape, Decoder decoder) {
        AffineParameters[] rows = new AffineParameters[Math.multiplyExact(shape.matrices(), shape.rows())];
        float[] scales = new float[rows.length];
        float[] values = new float[shape.columns()];
        for (int row = 0; row < rows.length; row++) {
            decoder.decode(row, values);
            rows[row] = parameters(shape, row, values);
            scales[row] = rows[row].scale();
        }
        ChannelScales[] matrices = new ChannelScales[shape.matrices()];
        for (int matrix = 0; matrix < matrices.length; matrix++) {
            matrices[matrix] = new ChannelScales(scales, matrix * shape.rows(), shape.rows(), shape.columns());
        }
        return new FixedPointChannels(rows, matrices);
    }

    private static AffineParameters parameters(WeightShape shape, int row, float[] values) {
        for (float value : values) {
            if (!Float.isFinite(value)) {
                throw new UnsupportedFeatureException("tensor " + shape.name() + ", row " + row + ": " + value
                        + " has no integer, so the weight cannot be computed with in fixed-point arithmetic");
            }
        }
        return AffineParameters.of(Range.of(values, 0, values.length), Symmetry.SYMMETRIC, IntegerWidth.INT8);
    }
}
