package dev.nibble.evaluation;

/** The mean of a growing sample. */
final class RunningMean {
    private long count;
    private double sum;
    private double squares;

    void add(double[] values, int from, int length) {
        for (int i = from; i < from + length; i++) {
            sum += values[i];
            squares += values[i] * values[i];
        }
        count += length;
    }

    Estimate mean() {
        double mean = sum / count;
        double variance = Math.max(0, squares / count - mean * mean);
        return new Estimate(mean, count < 2 ? Double.NaN : Math.sqrt(variance / (count - 1)));
    }
}
