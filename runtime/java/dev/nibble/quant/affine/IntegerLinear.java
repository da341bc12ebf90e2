package dev.nibble.quant.affine;

import java.util.Arrays;
import java.util.Objects;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * A linear layer in integers alone (Jacob et al. 2018, sections 2.2 to 2.4): int8 inputs times int8 weights, added up in int32
 * with a bias in int32, brought to int8 outputs by a fixed-point multiplier for each channel. With r = S (q − Z) for inputs x,
 * weights w and outputs y, channel i is
 *
 * <p>y = clip(Z_y + M_i · (b_i + Σ (w − Z_w)(x − Z_x))), M_i = S_w,i · S_x / S_y, b_i = round(bias_i / (S_w,i · S_x))
 *
 * <p>and since Σ (w − Z_w)(x − Z_x) = Σ w x − Z_x Σ w − Z_w Σ x + n Z_w Z_x, all that does not depend on x is folded into the bias
 * once: b_i − Z_x Σ w + n Z_w Z_x. Symmetric weights, Z_w = 0, leave the plain product of integers.
 *
 * <p>The accumulator is the exact sum, bias included, saturated to 32 bits.
 */
public final class IntegerLinear {
    /** Up to so many columns any sum of products of int8 fits 32 bits. */
    private static final int MOST_COLUMNS = (1 << 17) - 1;

    private final int rows;
    private final int columns;
    private final byte[] weights;
    private final int[] weightZeroPoints;
    private final long[] foldedBias;
    private final FixedPointMultiplier[] multipliers;
    private final AffineParameters output;

    /**
     * Prepares a layer.
     *
     * @param matrix the weights, per tensor or per channel
     * @param bias (rows) reals, or none
     * @param input how inputs were quantized, to int8 at most
     * @param output how outputs shall be quantized, to int8 at most
     * @throws IllegalArgumentException if groups of a row have scales of their own, which integers cannot add up
     */
    public IntegerLinear(
            AffineMatrix matrix, float @Nullable [] bias, AffineParameters input, AffineParameters output) {
        if (matrix.granularity() instanceof Granularity.PerGroup) {
            throw new IllegalArgumentException("sums of groups with different scales are no integers: quantize the"
                    + " weights per channel or per tensor");
        }
        this.rows = matrix.rows();
        this.columns = matrix.columns();
        if (columns > MOST_COLUMNS || bias != null && bias.length != rows) {
            throw new IllegalArgumentException("no integer layer of " + columns + " columns (at most " + MOST_COLUMNS
                    + ") and " + (bias == null ? "no" : bias.length) + " biases for " + rows + " rows");
        }
        requireBytes(input);
        requireBytes(output);
        this.output = output;
        this.weights = bytes(matrix.integers());
        this.weightZeroPoints = IntStream.range(0, rows)
                .map(row -> matrix.parameters(row, 0).zeroPoint())
                .toArray();
        this.foldedBias = new long[rows];
        this.multipliers = new FixedPointMultiplier[rows];
        for (int row = 0; row < rows; row++) {
            double scale = (double) matrix.parameters(row, 0).scale() * input.scale();
            multipliers[row] = FixedPointMultiplier.of(scale / output.scale());
            foldedBias[row] = quantizedBias(bias == null ? 0 : bias[row], scale)
                    - input.zeroPoint() * (weightSum(row) - (long) columns * weightZeroPoints[row]);
        }
    }

    private static void requireBytes(AffineParameters parameters) {
        if (parameters.least() < Byte.MIN_VALUE || parameters.greatest() > Byte.MAX_VALUE) {
            throw new IllegalArgumentException(parameters + " does not fit int8");
        }
    }

    private static byte[] bytes(PackedIntegers integers) {
        byte[] bytes = new byte[integers.length()];
        for (int i = 0; i < bytes.length; i++) {
            bytes[i] = (byte) integers.get(i);
        }
        return bytes;
    }

    /** The bias in units of the accumulator, as int32. */
    private static int quantizedBias(float bias, double scale) {
        if (!Float.isFinite(bias)) {
            throw new IllegalArgumentException("no integer bias of " + bias);
        }
        return (int) Math.rint(bias / scale);
    }

    private long weightSum(int row) {
        long sum = 0;
        for (int i = row * columns; i < (row + 1) * columns; i++) {
            sum += weights[i];
        }
        return sum;
    }

    /** How the outputs are quantized. */
    public AffineParameters output() {
        return output;
    }

    /**
     * Multiplies one input: the accumulators, before they are requantized.
     *
     * @param x holds {@code columns} quantized inputs
     * @param at the index of the first
     * @param accumulators receives (rows), in units of the scales of input and channel
     */
    public void accumulate(byte[] x, int at, int[] accumulators) {
        Objects.checkFromIndexSize(at, columns, x.length);
        Objects.checkFromIndexSize(0, rows, accumulators.length);
        boolean symmetric = Arrays.stream(weightZeroPoints).allMatch(zero -> zero == 0);
        long inputSum = symmetric ? 0 : sum(x, at);
        for (int row = 0; row < rows; row++) {
            long sum = foldedBias[row] + dot(row * columns, x, at) - weightZeroPoints[row] * inputSum;
            accumulators[row] = FixedPointMultiplier.saturate(sum);
        }
    }

    private int dot(int weight, byte[] x, int at) {
        int sum = 0;
        for (int i = 0; i < columns; i++) {
            sum += weights[weight + i] * x[at + i];
        }
        return sum;
    }

    private long sum(byte[] x, int at) {
        long sum = 0;
        for (int i = at; i < at + columns; i++) {
            sum += x[i];
        }
        return sum;
    }

    /**
     * Multiplies one input by the layer.
     *
     * @param x holds {@code columns} quantized inputs
     * @param at the index of the first
     * @param y receives {@code rows} quantized outputs
     * @param to the index of the first
     */
    public void apply(byte[] x, int at, byte[] y, int to) {
        Objects.checkFromIndexSize(to, rows, y.length);
        int[] accumulators = new int[rows];
        accumulate(x, at, accumulators);
        for (int row = 0; row < rows; row++) {
            y[to + row] = (byte) requantize(row, accumulators[row]);
        }
    }

    private int requantize(int row, int accumulator) {
        long shifted = (long) multipliers[row].apply(accumulator) + output.zeroPoint();
        return Math.clamp(shifted, output.least(), output.greatest());
    }
}
