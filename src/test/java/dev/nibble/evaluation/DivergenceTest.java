package dev.nibble.evaluation;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.nibble.LanguageModel;
import dev.nibble.ModelOptions;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The figures of a comparison against their formulas. */
final class DivergenceTest {
    private static final int VOCABULARY = 1023;

    @TempDir
    private Path folder;

    private static float[] logits(Random random, double sharpness) {
        float[] logits = new float[VOCABULARY];
        for (int i = 0; i < VOCABULARY; i++) {
            logits[i] = (float) (sharpness * random.nextGaussian() - 30);
        }
        return logits;
    }

    private static double[] probabilities(float[] logits) {
        double sum = 0;
        double[] p = new double[logits.length];
        for (int i = 0; i < p.length; i++) {
            p[i] = Math.exp(logits[i]);
            sum += p[i];
        }
        for (int i = 0; i < p.length; i++) {
            p[i] /= sum;
        }
        return p;
    }

    private static double divergence(double[] p, double[] q) {
        double sum = 0;
        for (int i = 0; i < p.length; i++) {
            sum += p[i] * Math.log(p[i] / q[i]);
        }
        return sum;
    }

    /** From flat distributions to those of one likely token; the second model near the first, as quantized ones are. */
    @Test
    void savedPredictionsGiveTheDivergenceOfTheWholeOnes() throws IOException {
        Random random = new Random(7);
        try (LanguageModel model = LanguageModel.openDemo(ModelOptions.DEFAULT)) {
            TextWindows windows = TextWindows.of(model, SampleText.read(), 32, 2);
            Path file = folder.resolve("predictions");
            float[][] base = new float[30][];
            try (PredictionWriter writer = PredictionWriter.create(file, List.of(), windows, VOCABULARY, "α")) {
                for (int i = base.length - 1; i >= 0; i--) {
                    base[i] = logits(random, 0.2 * i);
                    writer.write(i, Prediction.of(base[i], i));
                }
                writer.finish();
            }
            try (PredictionReader reader = PredictionReader.open(file, windows, VOCABULARY)) {
                assertEquals("α", reader.name());
                for (int i = 0; i < base.length; i++) {
                    checkRead(base[i], reader.read(i), i, random);
                }
            }
        }
    }

    /** Rounding errors of the logarithms reach the divergence in proportion to what separates the two distributions. */
    private static void checkRead(float[] base, SavedPrediction saved, int next, Random random) {
        double[] p = probabilities(base);
        assertEquals(Math.log(p[next]), saved.next(), 1e-5);
        for (double noise : new double[] {0, 0.01, 0.3, 3}) {
            float[] own = base.clone();
            for (int i = 0; i < own.length; i++) {
                own[i] += (float) (noise * random.nextGaussian());
            }
            double wanted = divergence(p, probabilities(own));
            double found = saved.divergenceOf(Prediction.of(own, next));
            double step = saved.step();
            assertEquals(wanted, found, 1e-12 + step * Math.sqrt(2 * wanted) + step * step, "noise " + noise);
        }
        for (int i = 0; i < p.length; i++) {
            assertTrue(p[i] <= p[saved.top()]);
        }
    }

    @Test
    void aPredictionIsASoftmax() {
        float[] logits = {1000, 1001, 999, 1001};
        Prediction prediction = Prediction.of(logits, 2);
        assertEquals(1, prediction.top());
        double sum = Math.exp(-1) + 1 + Math.exp(-2) + 1;
        assertEquals(-2 - Math.log(sum), prediction.next(), 1e-12);
        assertTrue(prediction.isValid());
        assertTrue(!Prediction.of(new float[] {1, Float.NaN}, 0).isValid());
        assertTrue(!Prediction.of(new float[] {1, Float.POSITIVE_INFINITY}, 0).isValid());
    }

    /** Surprises 1, 2, 3, 6 against 1, 1, 4, 4: means 3 and 2.5, variances 3.5 and 2.25, covariance 2.25. */
    @Test
    void ratiosKnowThatTheirTwoSidesGoTogether() {
        BaseComparison comparison = new BaseComparison(4);
        double[] base = {1, 1, 4, 4};
        double[] own = {1, 2, 3, 6};
        for (int i = 0; i < 4; i++) {
            float[] logits = {(float) -own[i], (float) Math.log(1 - Math.exp(-own[i]))};
            SavedPrediction saved = new SavedPrediction(i % 2, (float) -base[i], 0, new short[2]);
            comparison.note(i, Prediction.of(logits, 0), saved);
        }
        Divergence divergence = Divergence.of("base", own, comparison);
        double logError = Math.sqrt((3.5 + 2.25 - 2 * 2.25) / 3);
        assertEquals(0.5, divergence.logRatio().value(), 1e-6);
        assertEquals(logError, divergence.logRatio().error(), 1e-6);
        assertEquals(Math.exp(0.5) * logError, divergence.ratio().error(), 1e-6);
        assertEquals(2.25 / Math.sqrt(3.5 * 2.25), divergence.correlation(), 1e-6);
        assertEquals(Math.exp(3) - Math.exp(2.5), divergence.difference().value(), 1e-4);
        double variance = Math.exp(6) * 3.5 + Math.exp(5) * 2.25 - 2 * Math.exp(5.5) * 2.25;
        assertEquals(Math.sqrt(variance / 3), divergence.difference().error(), 1e-4);
        assertEquals(Math.exp(2.5), divergence.basePerplexity().value(), 1e-5);
        double[] differences = {0, Math.exp(-2) - Math.exp(-1), Math.exp(-3) - Math.exp(-4), Math.exp(-6) - Math.exp(-4)
        };
        double squares = 0;
        for (double difference : differences) {
            squares += difference * difference;
        }
        assertEquals(Math.sqrt(squares / 4), divergence.probabilityRms().value(), 1e-6);
        assertEquals(0.5, divergence.sameTop().value());
        assertEquals(Math.sqrt(0.25 / 3), divergence.sameTop().error(), 1e-12);
    }

    @Test
    void aSpreadNamesThePlacesOfASample() {
        double[] sample = new double[1001];
        for (int i = 0; i < sample.length; i++) {
            sample[(i * 8) % sample.length] = i;
        }
        Spread spread = Spread.of(sample);
        assertEquals(
                new Spread(spread.mean(), 0, 10, 50, 500, 950, 990, 999, 1000),
                new Spread(
                        spread.mean(),
                        spread.minimum(),
                        Math.rint(spread.p1() * 1e9) / 1e9,
                        Math.rint(spread.p5() * 1e9) / 1e9,
                        spread.median(),
                        Math.rint(spread.p95() * 1e9) / 1e9,
                        Math.rint(spread.p99() * 1e9) / 1e9,
                        Math.rint(spread.p999() * 1e9) / 1e9,
                        spread.maximum()));
        assertEquals(500, spread.mean().value(), 1e-9);
        assertEquals(Math.sqrt((1001.0 * 1001 - 1) / 12 / 1000), spread.mean().error(), 1e-9);
        assertEquals(0.5, Spread.of(new double[] {0, 1}).median());
    }
}
