package dev.nibble.quant.affine;

import java.util.ArrayList;
import java.util.List;

/**
 * A quantized matrix, (rows, columns).
 *
 * @param rows output channels
 * @param columns inputs of a channel
 * @param granularity which values share parameters
 * @param parameters one for the tensor, one for each row, or those of the first row's groups, the second's …
 * @param integers the values, row by row
 */
public record AffineMatrix(
        int rows, int columns, Granularity granularity, List<AffineParameters> parameters, PackedIntegers integers) {
    /** Checks that there are as many integers and parameters as the shape needs. */
    public AffineMatrix {
        parameters = List.copyOf(parameters);
        int groups = rows < 1 || columns < 1 ? 0 : groups(rows, columns, granularity);
        if (groups < 1 || parameters.size() != groups || integers.length() != Math.multiplyExact(rows, columns)) {
            throw new IllegalArgumentException("no matrix (" + rows + ", " + columns + ") of " + integers.length()
                    + " integers with " + parameters.size() + " scales, " + granularity);
        }
    }

    /**
     * How a matrix is quantized.
     *
     * @param width the width of its integers
     * @param symmetry where 0 lies
     * @param granularity which values share parameters
     * @param calibration how the range to represent is chosen
     */
    public record Scheme(
            IntegerWidth width, Symmetry symmetry, Granularity granularity, RangeCalibration calibration) {}

    /**
     * Quantizes a matrix, the range of each part of it calibrated on the values of the part.
     *
     * @param values (rows, columns), all finite
     */
    public static AffineMatrix quantize(float[] values, int rows, int columns, Scheme scheme) {
        if (values.length != (long) rows * columns) {
            throw new IllegalArgumentException(values.length + " values are no matrix (" + rows + ", " + columns + ")");
        }
        Granularity granularity = scheme.granularity();
        PackedIntegers integers = new PackedIntegers(scheme.width(), values.length);
        List<AffineParameters> parameters = new ArrayList<>();
        int whole = granularity instanceof Granularity.PerTensor ? values.length : columns;
        int length = granularity.groupLength(whole);
        for (int row = 0; row < values.length; row += whole) {
            for (int at = row; at < row + whole; at += length) {
                int count = Math.min(length, row + whole - at);
                AffineParameters group = calibrate(values, at, count, scheme);
                parameters.add(group);
                for (int i = at; i < at + count; i++) {
                    integers.set(i, group.quantize(values[i]));
                }
            }
        }
        return new AffineMatrix(rows, columns, granularity, parameters, integers);
    }

    private static AffineParameters calibrate(float[] values, int at, int count, Scheme scheme) {
        RangeObserver observer = scheme.calibration().observer(scheme.symmetry(), scheme.width());
        observer.observe(values, at, count);
        return AffineParameters.of(observer.range(), scheme.symmetry(), scheme.width());
    }

    private static int groups(int rows, int columns, Granularity granularity) {
        return granularity instanceof Granularity.PerTensor
                ? 1
                : Math.multiplyExact(rows, Math.ceilDiv(columns, granularity.groupLength(columns)));
    }

    /** The parameters of a value. */
    public AffineParameters parameters(int row, int column) {
        if (granularity instanceof Granularity.PerTensor) {
            return parameters.getFirst();
        }
        int length = granularity.groupLength(columns);
        return parameters.get(row * Math.ceilDiv(columns, length) + column / length);
    }

    /** What the integers mean, (rows, columns). */
    public float[] dequantize() {
        float[] values = new float[rows * columns];
        for (int row = 0; row < rows; row++) {
            for (int column = 0; column < columns; column++) {
                int at = row * columns + column;
                values[at] = parameters(row, column).dequantize(integers.get(at));
            }
        }
        return values;
    }
}
