package dev.nibble.device.reference;

import dev.nibble.quant.affine.AffineParameters;
import dev.nibble.quant.affine.IntegerWidth;
import dev.nibble.quant.affine.Range;
import dev.nibble.quant.affine.Symmetry;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Activations quantized to int8 with a scale and a zero point for each row.
 *
 * @param values (rows, width)
 * @param parameters (rows); none for a row that holds NaN or infinity, whose products are NaN
 */
record AffineRows(byte[] values, @Nullable AffineParameters[] parameters) {
    /** Room for rows; products of what was never written are NaN. */
    static AffineRows of(int rows, int width) {
        return new AffineRows(new byte[rows * width], new AffineParameters[rows]);
    }

    private int width() {
        return values.length / parameters.length;
    }

    /** Quantizes a row of floats, (rows, width). */
    void quantize(float[] x, int row) {
        int width = width();
        float[] reals = Arrays.copyOfRange(x, row * width, (row + 1) * width);
        for (float real : reals) {
            if (!Float.isFinite(real)) {
                parameters[row] = null;
                return;
            }
        }
        AffineParameters mapping =
                AffineParameters.of(Range.of(reals, 0, width), Symmetry.ASYMMETRIC, IntegerWidth.INT8);
        parameters[row] = mapping;
        for (int i = 0; i < width; i++) {
            values[row * width + i] = (byte) mapping.quantize(reals[i]);
        }
    }

    /** The mapping of the row that the value at {@code at} is in. */
    @Nullable
    AffineParameters parametersOf(int at) {
        return parameters[at / width()];
    }
}
