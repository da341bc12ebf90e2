package dev.nibble.quant.affine;

/**
 * How far quantized values are from the original ones.
 *
 * @param meanSquare the mean of (x̂ − x)²
 * @param largest the largest |x̂ − x|
 * @param signal the mean of x²
 */
public record QuantizationError(double meanSquare, double largest, double signal) {
    /**
     * Compares values.
     *
     * @param original x
     * @param restored x̂, as many
     */
    public static QuantizationError of(float[] original, float[] restored) {
        if (original.length != restored.length || original.length == 0) {
            throw new IllegalArgumentException(original.length + " values cannot be compared with " + restored.length);
        }
        double squares = 0;
        double largest = 0;
        double signal = 0;
        for (int i = 0; i < original.length; i++) {
            double error = (double) restored[i] - original[i];
            squares += error * error;
            largest = Math.max(largest, Math.abs(error));
            signal += (double) original[i] * original[i];
        }
        return new QuantizationError(squares / original.length, largest, signal / original.length);
    }

    /** The root mean square. */
    public double rootMeanSquare() {
        return Math.sqrt(meanSquare);
    }

    /** The root mean square in proportion to that of the original values: √(Σ(x̂ − x)² / Σx²). */
    public double relative() {
        return meanSquare == 0 ? 0 : Math.sqrt(meanSquare / signal);
    }

    /** The ratio of signal to quantization noise in decibels: 10 · log10(Σx² / Σ(x̂ − x)²). */
    public double decibels() {
        return 10 * Math.log10(signal / meanSquare);
    }
}
