package dev.nibble.sampling;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SamplerTest {
    /** Draws of a sampler with these options and any seed must have the oracle's distribution. */
    private static void assertDraws(SamplerOptions options, float[] logits, List<Integer> history) {
        int draws = 4000;
        Sampler sampler = new Sampler(options, logits.length);
        history.forEach(sampler::accept);
        Map<Integer, Integer> drawn = new TreeMap<>();
        for (int i = 0; i < draws; i++) {
            drawn.merge(sampler.sample(logits).token(), 1, Integer::sum);
        }
        Map<Integer, Double> expected = PlainChain.distribution(options, logits, history);
        assertTrue(expected.keySet().containsAll(drawn.keySet()), () -> drawn + " against " + expected + options);
        for (Map.Entry<Integer, Double> entry : expected.entrySet()) {
            double p = entry.getValue();
            double deviation = Math.sqrt(p * (1 - p) * draws);
            // Five standard deviations and the half of a draw: with the fixed seeds here this is no matter of luck.
            assertEquals(
                    p * draws,
                    drawn.getOrDefault(entry.getKey(), 0),
                    5 * deviation + 0.5,
                    () -> "token " + entry.getKey() + " of " + options);
        }
    }

    private static float[] randomLogits(long seed, int size, double spread) {
        Random random = new Random(seed);
        float[] logits = new float[size];
        for (int i = 0; i < size; i++) {
            logits[i] = (float) (spread * random.nextGaussian());
        }
        return logits;
    }

    private static SamplerOptions.Builder off() {
        return SamplerOptions.builder().topK(0).topP(1).minP(0).temperature(1).seed(42);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 7, 31, 33, 255, 257})
    void everyStepAloneHasTheDistributionOfItsDefinition(int size) {
        List<UnaryOperator<SamplerOptions.Builder>> steps = List.of(
                b -> b,
                b -> b.topK(1),
                b -> b.topK(5),
                b -> b.topK(300),
                b -> b.topP(0),
                b -> b.topP(0.5f),
                b -> b.topP(0.99f),
                b -> b.minP(0.1f),
                b -> b.minP(1),
                b -> b.typicalP(0.3f),
                b -> b.typicalP(0.95f),
                b -> b.temperature(0.3f),
                b -> b.temperature(3),
                b -> b.temperature(0),
                b -> b.temperature(Float.MIN_VALUE));
        for (var step : steps) {
            assertDraws(step.apply(off()).build(), randomLogits(size, size, 2), List.of());
        }
    }

    @Test
    void allStepsTogetherHaveTheDistributionOfTheirDefinition() {
        Random random = new Random(5);
        for (int round = 0; round < 60; round++) {
            int size = random.nextInt(1, 200);
            List<Integer> history = new ArrayList<>();
            for (int i = random.nextInt(100); i > 0; i--) {
                history.add(random.nextInt(size));
            }
            Map<Integer, Float> bias = new HashMap<>();
            for (int i = random.nextInt(5); i > 0; i--) {
                bias.put(random.nextInt(size), (float) random.nextGaussian() * 4);
            }
            if (size > 9) {
                bias.put(3, Float.NEGATIVE_INFINITY);
            }
            SamplerOptions options = SamplerOptions.builder()
                    .logitBias(bias)
                    .repeatLastN(random.nextInt(-1, 70))
                    .repeatPenalty(random.nextFloat(0.8f, 1.5f))
                    .presencePenalty(random.nextFloat(-1, 1))
                    .frequencyPenalty(random.nextFloat(-0.2f, 0.3f))
                    .topK(random.nextInt(0, 60))
                    .typicalP(random.nextBoolean() ? 1 : random.nextFloat(0.2f, 1))
                    .topP(random.nextBoolean() ? 1 : random.nextFloat(0, 1))
                    .minP(random.nextBoolean() ? 0 : random.nextFloat(0, 0.2f))
                    .temperature(random.nextInt(4) == 0 ? 0 : random.nextFloat(0.1f, 2))
                    .seed(round)
                    .build();
            assertDraws(options, randomLogits(round, size, 1 + round % 4), history);
        }
    }

    /**
     * Large enough for each way of ordering: heap, growing prefix, whole sort. The set of drawable tokens is
     * compared.
     */
    @ParameterizedTest
    @ValueSource(doubles = {0.01, 0.5, 3})
    void filtersOfALargeVocabularyKeepTheSameTokens(double spread) {
        float[] logits = randomLogits(9, 20_000, spread);
        for (int i = 0; i < logits.length; i += 3) {
            // Many ties.
            logits[i] = Math.round(logits[i]);
        }
        for (SamplerOptions options : List.of(
                off().topK(40).build(),
                off().topK(19_999).build(),
                off().topK(2600).topP(0.7f).build(),
                off().topP(0.001f).build(),
                off().topP(0.6f).build(),
                off().topP(0.6f).typicalP(0.5f).minP(0.2f).build(),
                off().minP(0.5f).topP(0.9f).build())) {
            Candidates candidates = new Candidates(logits.length);
            candidates.load(logits, 0);
            filter(candidates, options);
            Set<Integer> kept = new HashSet<>();
            for (int i = 0; i < candidates.count(); i++) {
                kept.add(candidates.token(i));
                assertEquals(logits[candidates.token(i)], candidates.logit(i));
            }
            assertEquals(PlainChain.distribution(options, logits, List.of()).keySet(), kept, options::toString);
        }
    }

    @Test
    void theLargestLogitsDecideAsAllWould() {
        Random random = new Random(17);
        for (int round = 0; round < 300; round++) {
            int size = random.nextInt(1, 400);
            float[] logits = randomLogits(round, size, 0.5 + round % 3);
            for (int i = 0; i < size; i++) {
                // Ties, also where the largest end, and tokens that are ruled out, sometimes all but a few.
                logits[i] = i % 3 == 0 ? Math.round(logits[i]) : logits[i];
                logits[i] = round % 4 == 0 && i % 9 != 0 ? Float.NEGATIVE_INFINITY : logits[i];
            }
            SamplerOptions options = SamplerOptions.builder()
                    .topK(random.nextInt(1, 60))
                    .typicalP(random.nextBoolean() ? 1 : random.nextFloat(0.2f, 1))
                    .topP(random.nextBoolean() ? 1 : random.nextFloat(0, 1))
                    .minP(random.nextBoolean() ? 0 : random.nextFloat(0, 0.2f))
                    .temperature(random.nextInt(4) == 0 ? 0 : random.nextFloat(0.1f, 2))
                    .seed(round)
                    .build();
            int[] tokens = IntStream.range(0, size)
                    .boxed()
                    .sorted((a, b) -> Float.compare(logits[b] + 0f, logits[a] + 0f))
                    .limit(options.decisive() + round % 3)
                    .mapToInt(i -> i)
                    .toArray();
            float[] largest = new float[tokens.length];
            for (int i = 0; i < tokens.length; i++) {
                largest[i] = logits[tokens[i]];
            }
            Sampler all = new Sampler(options, size);
            Sampler few = new Sampler(options, size);
            for (int draw = 0; draw < 20; draw++) {
                assertEquals(
                        all.sample(logits).token(), few.sample(tokens, largest).token(), options::toString);
            }
        }
    }

    @Test
    void tooFewLogitsAreRefusedAndBrokenOnesNamed() {
        Sampler sampler = new Sampler(SamplerOptions.builder().topK(3).build(), 100);
        assertThrows(IllegalArgumentException.class, () -> sampler.sample(new int[2], new float[2]));
        assertThrows(IllegalArgumentException.class, () -> sampler.sample(new int[3], new float[4]));
        float[] broken = {Float.NaN, 2, 1};
        var e = assertThrows(IllegalArgumentException.class, () -> sampler.sample(new int[] {8, 1, 2}, broken));
        assertTrue(e.getMessage().contains("token 8 is NaN"), e.getMessage());
    }

    private static void filter(Candidates candidates, SamplerOptions options) {
        if (options.topK() > 0) {
            candidates.keepTop(options.topK());
        }
        if (options.typicalP() < 1) {
            candidates.keepTypical(options.typicalP());
        }
        if (options.topP() < 1) {
            candidates.keepNucleus(options.topP());
        }
        if (options.minP() > 0) {
            candidates.keepLikely(options.minP());
        }
    }

    @Test
    void greedyTakesTheLowestIdOfATie() {
        SamplerOptions greedy = SamplerOptions.builder().temperature(0).build();
        float[] logits = {-1, 0f, -0f, 0f, -5};
        assertEquals(1, new Sampler(greedy, 5).sample(logits).token());
        float[] equal = new float[1000];
        Arrays.fill(equal, -3);
        assertEquals(0, new Sampler(greedy, 1000).sample(equal).token());
        logits[2] = 0.5f;
        assertEquals(2, new Sampler(greedy, 5).sample(logits).token());
    }

    @Test
    void theLastTokenLeftIsTaken() {
        float[] logits = new float[100];
        Arrays.fill(logits, Float.NEGATIVE_INFINITY);
        logits[57] = -80;
        for (SamplerOptions options : List.of(
                SamplerOptions.defaults(),
                off().build(),
                off().typicalP(0.1f).topP(0).minP(1).topK(1).build(),
                off().temperature(0).build())) {
            assertEquals(57, new Sampler(options, 100).sample(logits).token());
        }
    }

    @Test
    void brokenLogitsAreNamed() {
        Sampler sampler = new Sampler(SamplerOptions.defaults(), 3);
        for (float bad : new float[] {Float.NaN, Float.POSITIVE_INFINITY}) {
            var e = assertThrows(IllegalArgumentException.class, () -> sampler.sample(new float[] {1, bad, 2}));
            assertTrue(e.getMessage().contains("token 1 is " + bad), e.getMessage());
        }
        float[] none = {Float.NEGATIVE_INFINITY, Float.NEGATIVE_INFINITY, Float.NEGATIVE_INFINITY};
        var e = assertThrows(IllegalArgumentException.class, () -> sampler.sample(none));
        assertTrue(e.getMessage().contains("ruled out"), e.getMessage());
        assertThrows(IndexOutOfBoundsException.class, () -> sampler.sample(new float[2]));
        assertThrows(IndexOutOfBoundsException.class, () -> sampler.accept(3));
    }

    @Test
    void logitsThatOverflowByTheirBiasStayNumbers() {
        SamplerOptions options = off().logitBias(Map.of(1, Float.MAX_VALUE)).build();
        assertEquals(
                1,
                new Sampler(options, 3)
                        .sample(new float[] {0, Float.MAX_VALUE, 0})
                        .token());
    }

    @Test
    void aSeedMeansTheSameChoicesForever() {
        float[] logits = randomLogits(1, 50, 1);
        int[] first = choices(off().seed(1234).build(), logits);
        assertArrayEquals(first, choices(off().seed(1234).build(), logits));
        assertNotEquals(
                Arrays.toString(first), Arrays.toString(choices(off().seed(1235).build(), logits)));
        SamplerOptions random = SamplerOptions.builder().topK(0).topP(1).minP(0).build();
        assertNotEquals(new Sampler(random, 50).seed(), new Sampler(random, 50).seed());
    }

    private static int[] choices(SamplerOptions options, float[] logits) {
        Sampler sampler = new Sampler(options, logits.length);
        return IntStream.range(0, 100).map(i -> sampler.sample(logits).token()).toArray();
    }

    /** The published first numbers of SplitMix64 for the seed 1234567 (Vigna's reference code). */
    @Test
    void theGeneratorIsSplitMix64() {
        SplitMix random = new SplitMix(1234567);
        assertEquals(6457827717110365317L, random.nextLong());
        assertEquals(3203168211198807973L, random.nextLong());
        assertEquals(Long.parseUnsignedLong("9817491932198370423"), random.nextLong());
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 3, 64, 65, 500})
    void penaltiesReachExactlyTheLastTokens(int reach) {
        SamplerOptions options =
                off().repeatLastN(reach).presencePenalty(100).temperature(0).build();
        Sampler sampler = new Sampler(options, 1000);
        float[] logits = new float[1000];
        for (int i = 0; i < logits.length; i++) {
            logits[i] = -i / 1000f;
        }
        // Each token is the first that was not among the last ones: the choices go round.
        for (int i = 0; i < 1500; i++) {
            int token = sampler.sample(logits).token();
            assertEquals(i % (reach + 1), token, "step " + i);
            sampler.accept(token);
        }
    }

    @Test
    void logProbabilitiesAreThoseOfTheUnmodifiedLogits() {
        float[] logits = randomLogits(3, 257, 3);
        SamplerOptions options = SamplerOptions.builder()
                .logitBias(Map.of(5, 1000f))
                .temperature(0.1f)
                .logProbabilities(4)
                .build();
        Choice choice = new Sampler(options, 257).sample(logits);
        assertEquals(5, choice.token());
        double total = 0;
        for (float logit : logits) {
            total += Math.exp(logit);
        }
        assertEquals(logits[5] - Math.log(total), choice.logProbability(), 1e-5);
        List<Integer> best = IntStream.range(0, 257)
                .boxed()
                .sorted((a, b) -> Float.compare(logits[b], logits[a]))
                .limit(4)
                .toList();
        assertEquals(best, choice.top().stream().map(Choice.Alternative::token).toList());
        for (Choice.Alternative alternative : choice.top()) {
            assertEquals(logits[alternative.token()] - Math.log(total), alternative.logProbability(), 1e-5);
        }
        Choice all = new Sampler(off().logProbabilities(999).build(), 257).sample(logits);
        assertEquals(257, all.top().size());
        double sum = all.top().stream()
                .mapToDouble(a -> Math.exp(a.logProbability()))
                .sum();
        assertEquals(1, sum, 1e-5);
        assertTrue(Float.isNaN(new Sampler(off().build(), 257).sample(logits).logProbability()));
    }

    @Test
    void rowsInNativeMemoryAndInsideArraysAreTheSame() {
        float[] rows = randomLogits(8, 3 * 31, 2);
        float[] copy = rows.clone();
        float[] middle = Arrays.copyOfRange(rows, 31, 62);
        SamplerOptions options = off().logProbabilities(2).build();
        Choice expected = new Sampler(options, 31).sample(middle);
        assertEquals(expected, new Sampler(options, 31).sample(rows, 31));
        assertArrayEquals(copy, rows);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment segment = arena.allocate(4 * rows.length + 1);
            MemorySegment.copy(rows, 0, segment, ValueLayout.JAVA_FLOAT_UNALIGNED, 1, rows.length);
            assertEquals(expected, new Sampler(options, 31).sample(segment, 1 + 4 * 31));
        }
    }
}
