package dev.nibble.sampling;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;

class SamplerOptionsTest {
    private static void assertRefused(String name, List<UnaryOperator<SamplerOptions.Builder>> changes) {
        for (var change : changes) {
            SamplerOptions.Builder builder = change.apply(SamplerOptions.builder());
            var e = assertThrows(IllegalArgumentException.class, builder::build);
            assertTrue(e.getMessage().contains(name + " is "), e.getMessage());
        }
    }

    @Test
    void refusesWhatIsOutOfRange() {
        float nan = Float.NaN;
        float infinity = Float.POSITIVE_INFINITY;
        assertRefused(
                "temperature",
                List.of(b -> b.temperature(-0.1f), b -> b.temperature(nan), b -> b.temperature(infinity)));
        assertRefused("topK", List.of(b -> b.topK(-1)));
        assertRefused("topP", List.of(b -> b.topP(-0.1f), b -> b.topP(1.01f), b -> b.topP(nan)));
        assertRefused("minP", List.of(b -> b.minP(-0.1f), b -> b.minP(1.01f), b -> b.minP(nan)));
        assertRefused("typicalP", List.of(b -> b.typicalP(0), b -> b.typicalP(1.01f), b -> b.typicalP(nan)));
        assertRefused(
                "repeatPenalty",
                List.of(b -> b.repeatPenalty(0), b -> b.repeatPenalty(nan), b -> b.repeatPenalty(infinity)));
        assertRefused("repeatLastN", List.of(b -> b.repeatLastN(-2)));
        assertRefused("presencePenalty", List.of(b -> b.presencePenalty(nan)));
        assertRefused("frequencyPenalty", List.of(b -> b.frequencyPenalty(infinity)));
        assertRefused("logProbabilities", List.of(b -> b.logProbabilities(-1)));
        assertRefused(
                "logitBias of token 7",
                List.of(b -> b.logitBias(Map.of(7, nan)), b -> b.logitBias(Map.of(7, infinity))));
        assertRefused("a token of logitBias", List.of(b -> b.logitBias(Map.of(-7, 1f))));
    }

    @Test
    void refusesABiasOutsideOfTheVocabulary() {
        SamplerOptions options =
                SamplerOptions.builder().logitBias(Map.of(10, 1f)).build();
        var e = assertThrows(IllegalArgumentException.class, () -> new Sampler(options, 10));
        assertTrue(e.getMessage().contains("token 10") && e.getMessage().contains("10 tokens"), e.getMessage());
    }

    @Test
    void tellsHowManyLogitsDecide() {
        assertEquals(40, SamplerOptions.defaults().decisive());
        assertEquals(1, SamplerOptions.builder().temperature(0).build().decisive());
        assertEquals(
                7,
                SamplerOptions.builder()
                        .topK(7)
                        .repeatLastN(0)
                        .repeatPenalty(2)
                        .build()
                        .decisive());
        for (SamplerOptions all : List.of(
                SamplerOptions.builder().topK(0).build(),
                SamplerOptions.builder().logProbabilities(1).build(),
                SamplerOptions.builder().presencePenalty(1).build(),
                SamplerOptions.builder().temperature(0).logitBias(Map.of(1, 1f)).build())) {
            assertEquals(Integer.MAX_VALUE, all.decisive());
        }
    }

    @Test
    void keepsItsOwnBias() {
        Map<Integer, Float> bias = new HashMap<>(Map.of(1, 2f));
        SamplerOptions options = SamplerOptions.builder().logitBias(bias).build();
        bias.clear();
        assertEquals(Map.of(1, 2f), options.logitBias());
    }
}
