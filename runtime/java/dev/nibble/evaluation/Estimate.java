package dev.nibble.evaluation;

/**
 * A figure measured on a sample.
 *
 * @param value the figure
 * @param error its standard error
 */
public record Estimate(double value, double error) {
    /** The mean of a sample. */
    static Estimate mean(double[] sample, int from, int to) {
        int count = to - from;
        double sum = 0;
        for (int i = from; i < to; i++) {
            sum += sample[i];
        }
        double mean = sum / count;
        double squares = 0;
        for (int i = from; i < to; i++) {
            squares += (sample[i] - mean) * (sample[i] - mean);
        }
        return new Estimate(mean, count < 2 ? Double.NaN : Math.sqrt(squares / count / (count - 1)));
    }

    static Estimate mean(double[] sample) {
        return mean(sample, 0, sample.length);
    }

    /** The share of a sample that has a property. */
    static Estimate share(int having, int count) {
        double share = (double) having / count;
        return new Estimate(share, count < 2 ? Double.NaN : Math.sqrt(share * (1 - share) / (count - 1)));
    }

    /** e to the power of this figure, its error carried along. */
    Estimate exp() {
        double power = Math.exp(value);
        return new Estimate(power, power * error);
    }
}
