package dev.nibble.bench;

import dev.nibble.ModelInfo;
import dev.nibble.cli.ProjectionReport;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * The outcome of one test.
 *
 * @param test what was measured
 * @param model what ran
 * @param speed tokens per second, a sample per repetition
 * @param limit what the device reached at best around each repetition: bytes per second for generation, multiply-adds per
 *     second for prompts; empty where there is no such measurement
 * @param joulesPerToken what the devices consumed; NaN where nothing tells
 * @param parts what each of several devices did; empty for one
 * @param projection of all layers, where the model has the first ones of a shape; else null
 */
record BenchRow(
        BenchTest test,
        ModelInfo model,
        Samples speed,
        Samples limit,
        double joulesPerToken,
        List<PartRow> parts,
        @Nullable ProjectionReport projection) {
    /** A row without a projection. */
    BenchRow(
            BenchTest test, ModelInfo model, Samples speed, Samples limit, double joulesPerToken, List<PartRow> parts) {
        this(test, model, speed, limit, joulesPerToken, parts, null);
    }

    private static final double GIGA = 1e9;
    private static final int OPERATIONS_PER_MULTIPLY_ADD = 2;

    /** Keeps its own list. */
    BenchRow {
        parts = List.copyOf(parts);
    }

    /** This row, with a model of more layers projected onto two such devices. */
    BenchRow with(ProjectionReport more) {
        return new BenchRow(test, model, speed, limit, joulesPerToken, parts, more);
    }

    /** Numbers measured one after another. */
    record Samples(List<Double> values) {
        Samples {
            values = List.copyOf(values);
        }

        double mean() {
            return values.stream().mapToDouble(Double::doubleValue).average().orElse(Double.NaN);
        }

        /** The standard deviation of a sample; 0 for a single one. */
        double deviation() {
            double mean = mean();
            double squares = values.stream()
                    .mapToDouble(value -> (value - mean) * (value - mean))
                    .sum();
            return values.size() < 2 ? 0 : Math.sqrt(squares / (values.size() - 1));
        }
    }

    /** Whether the test is judged by what memory can be read, rather than by products. */
    boolean reads() {
        return test.kind() == BenchTest.Kind.GENERATION;
    }

    /**
     * The bytes of memory that the model must read for one token: in generation all weights that the token passes and, on
     * average, the KV cache filled to the middle of the test; in a prompt the weights once per step.
     */
    double bytesPerToken() {
        double weights = model.weightBytesPerToken();
        if (reads()) {
            return weights + model.kvBytesPerToken() * test.meanContext();
        }
        double steps = Math.ceil(test.tokens() / (double) model.batch());
        return weights * steps / test.tokens();
    }

    /** Billions of bytes read per second. */
    double gigabytesPerSecond() {
        return speed.mean() * bytesPerToken() / GIGA;
    }

    /** Billions of operations per second in the products with weights, a multiply-add counting as two. */
    double gigaflopsPerSecond() {
        return speed.mean() * model.multiplyAddsPerToken() * OPERATIONS_PER_MULTIPLY_ADD / GIGA;
    }

    /** The limit in the unit of the rate it is compared with: GB/s or GFLOP/s; NaN if there is none. */
    double limitRate() {
        return limit.mean() * (reads() ? 1 : OPERATIONS_PER_MULTIPLY_ADD) / GIGA;
    }

    /** The share of the limit that the model reached; NaN if there is no limit. */
    double shareOfRoofline() {
        return rate() / limitRate();
    }

    /** One line for people. */
    String summary() {
        return String.format(
                Locale.ROOT,
                "%s: %.2f +- %.2f tokens/s, %.1f %s",
                test.name(),
                speed.mean(),
                speed.deviation(),
                rate(),
                rateUnit());
    }

    /** The unit of {@link #limitRate} and of the rate it is compared with. */
    String rateUnit() {
        return reads() ? "GB/s" : "GFLOP/s";
    }

    /** The rate that is compared with the limit. */
    double rate() {
        return reads() ? gigabytesPerSecond() : gigaflopsPerSecond();
    }
}
