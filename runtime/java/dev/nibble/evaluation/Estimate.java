package dev.nibble.evaluation;

/**
 * A figure measured on a sample.
 *
 * @param value the figure
 * @param error its standard error
 */
public record Estimate(double value, double error) {
    /** The mean of a sample. */
    static Estimate mean(double[] sample) {
        int count = sample.length;
        double sum = 0;
        for (double value : sample) {
            sum += value;
        }
        double mean = sum / count;
        double squares = 0;
        for (double value : sample) {
            squares += (value - mean) * (value - mean);
        }
        return new Estimate(mean, count < 2 ? Double.NaN : Math.sqrt(squares / count / (count - 1)));
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
