package dev.nibble.quant.affine;

/**
 * The ways to choose the clipping range from observed values. A narrow range has fine steps but clips outliers; a wide one
 * clips nothing but is coarse. All but {@link MinMax} work on a histogram of the values.
 */
public sealed interface RangeCalibration {
    /** A fresh observer that will choose a range for integers of this kind. */
    RangeObserver observer(Symmetry symmetry, IntegerWidth width);

    /** From the least to the greatest value: nothing is clipped. Right for weights; outliers of activations spoil it. */
    record MinMax() implements RangeCalibration {
        @Override
        public RangeObserver observer(Symmetry symmetry, IntegerWidth width) {
            return new MinMaxObserver();
        }
    }

    /**
     * The range that holds a share of the values: of their magnitudes if symmetric; else what lies outside is cut off at both
     * ends evenly.
     *
     * @param percent more than 0, at most 100; common are 99.9 and 99.99
     */
    record Percentile(double percent) implements RangeCalibration {
        /** Checks the share. */
        public Percentile {
            if (!(percent > 0 && percent <= 100)) {
                throw new IllegalArgumentException("a percentile is more than 0 and at most 100; given " + percent);
            }
        }

        @Override
        public RangeObserver observer(Symmetry symmetry, IntegerWidth width) {
            return new HistogramObserver(histogram -> PercentileSearch.range(histogram, symmetry, percent / 100));
        }
    }

    /** The range with the least mean squared error of quantized values, rounding and clipping taken together. */
    record MeanSquaredError() implements RangeCalibration {
        @Override
        public RangeObserver observer(Symmetry symmetry, IntegerWidth width) {
            return new HistogramObserver(histogram -> new SquaredErrorSearch(histogram, symmetry, width).range());
        }
    }

    /**
     * The range whose quantized distribution loses the least information, measured by the Kullback–Leibler divergence from the
     * distribution of the values (Migacz, 8-bit Inference with TensorRT, 2017).
     */
    record Entropy() implements RangeCalibration {
        @Override
        public RangeObserver observer(Symmetry symmetry, IntegerWidth width) {
            return new HistogramObserver(histogram -> new EntropySearch(histogram, symmetry, width).range());
        }
    }
}
