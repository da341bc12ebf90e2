package dev.nibble.quantize;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.nibble.gguf.TensorInfo;
import dev.nibble.gguf.TensorType;
import dev.nibble.quantize.MixRule.Place;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The expected types are those that llama-quantize chose for files of these shapes. */
class MixTest {
    private static final ModelTraits DENSE = new ModelTraits(32, 1, 0, false, false);
    private static final ModelTraits SHARED = new ModelTraits(32, 4, 0, true, false);
    private static final ModelTraits EXPERTS = new ModelTraits(32, 4, 8, false, false);
    private static final ModelTraits LARGE = new ModelTraits(80, 8, 0, false, false);

    @ParameterizedTest
    @CsvSource({
        "q8_0,   Q8_0, Q8_0, Q8_0, Q8_0, Q8_0",
        "q4_0,   Q4_0, Q4_0, Q4_0, Q4_0, Q6_K",
        "q2_k,   Q2_K, Q3_K, Q3_K, Q3_K, Q6_K",
        "q2_k_s, Q2_K, Q2_K, Q2_K, Q4_K, Q6_K",
        "q3_k_s, Q3_K, Q3_K, Q3_K, Q3_K, Q6_K",
        "q3_k_m, Q3_K, Q4_K, Q5_K, Q5_K, Q6_K",
        "q3_k_l, Q3_K, Q5_K, Q5_K, Q5_K, Q6_K",
        "q4_k_s, Q4_K, Q4_K, Q5_K, Q5_K, Q6_K",
        "q4_k_m, Q4_K, Q4_K, Q6_K, Q6_K, Q6_K",
        "q5_k_s, Q5_K, Q5_K, Q5_K, Q5_K, Q6_K",
        "q5_k_m, Q5_K, Q5_K, Q6_K, Q6_K, Q6_K",
        "q6_k,   Q6_K, Q6_K, Q6_K, Q6_K, Q6_K",
        "iq4_nl, IQ4_NL, IQ4_NL, IQ4_NL, Q5_K, Q6_K",
        "iq4_xs, IQ4_XS, IQ4_XS, IQ4_XS, Q5_K, Q6_K",
        "bf16,   BF16, BF16, BF16, BF16, BF16",
    })
    void theFirstLayerOfADenseModel(
            String id,
            TensorType up,
            TensorType attentionOutput,
            TensorType value,
            TensorType down,
            TensorType output) {
        Mix mix = Mix.ofId(id);
        assertEquals(up, mix.typeOf(new Place(TensorKind.UP, 0, 32, DENSE)));
        assertEquals(attentionOutput, mix.typeOf(new Place(TensorKind.ATTENTION_OUTPUT, 0, 32, DENSE)));
        assertEquals(value, mix.typeOf(new Place(TensorKind.VALUE, 0, 32, DENSE)));
        assertEquals(down, mix.typeOf(new Place(TensorKind.DOWN, 0, 32, DENSE)));
        assertEquals(output, mix.typeOf(new Place(TensorKind.OUTPUT, 0, 1, DENSE)));
        assertEquals(up, mix.typeOf(new Place(TensorKind.TOKEN_EMBEDDING, 0, 1, DENSE)));
        assertEquals(output, mix.typeOf(new Place(TensorKind.TOKEN_EMBEDDING, 0, 1, SHARED)));
    }

    @Test
    void theMiddleMixesGiveMoreBitsToTheEndsAndToEveryThirdLayer() {
        List<Integer> expected = List.of(0, 1, 2, 3, 6, 9, 12, 15, 18, 21, 24, 27, 28, 29, 30, 31);
        for (TensorKind kind : List.of(TensorKind.DOWN, TensorKind.VALUE)) {
            assertEquals(expected, layers(Mix.Q4_K_M, kind, TensorType.Q6_K, DENSE));
            assertEquals(expected, layers(Mix.Q5_K_M, kind, TensorType.Q6_K, DENSE));
        }
        assertEquals(List.of(0, 1), layers(Mix.Q3_K_M, TensorKind.VALUE, TensorType.Q5_K, DENSE));
        assertEquals(List.of(0, 1), layers(Mix.Q3_K_M, TensorKind.DOWN, TensorType.Q5_K, DENSE));
        assertEquals(List.of(0, 1, 2, 3), layers(Mix.Q4_K_S, TensorKind.VALUE, TensorType.Q5_K, DENSE));
        assertEquals(List.of(0, 1, 2, 3), layers(Mix.Q2_K_S, TensorKind.DOWN, TensorType.Q4_K, DENSE));
    }

    private static List<Integer> layers(Mix mix, TensorKind kind, TensorType type, ModelTraits traits) {
        return IntStream.range(0, 32)
                .filter(layer -> mix.typeOf(new Place(kind, layer, 32, traits)) == type)
                .boxed()
                .collect(Collectors.toList());
    }

    @Test
    void sharedHeadsExpertsAndSizeMatter() {
        Place shared = new Place(TensorKind.VALUE, 9, 32, SHARED);
        assertEquals(TensorType.Q4_K, Mix.Q2_K.typeOf(shared));
        assertEquals(TensorType.Q4_K, Mix.Q2_K_S.typeOf(shared));
        assertEquals(TensorType.Q5_K, Mix.IQ4_XS.typeOf(shared));
        for (Mix mix : List.of(Mix.Q4_K_M, Mix.Q4_0, Mix.Q2_K)) {
            assertEquals(TensorType.Q8_0, mix.typeOf(new Place(TensorKind.VALUE, 0, 32, EXPERTS)));
            assertEquals(TensorType.Q8_0, mix.typeOf(new Place(TensorKind.KEY, 0, 32, EXPERTS)));
        }
        assertEquals(TensorType.Q5_K, Mix.Q4_K_M.typeOf(new Place(TensorKind.ATTENTION_OUTPUT, 0, 32, EXPERTS)));
        assertEquals(TensorType.Q3_K, Mix.Q3_K_L.typeOf(new Place(TensorKind.ATTENTION_OUTPUT, 0, 32, EXPERTS)));
        for (Mix mix : List.of(Mix.Q2_K, Mix.Q3_K_S, Mix.Q3_K_M, Mix.Q4_K_S, Mix.Q4_K_M)) {
            assertEquals(TensorType.Q5_K, mix.typeOf(new Place(TensorKind.VALUE, 11, 80, LARGE)), mix.id());
        }
    }

    @Test
    void importanceMatters() {
        ModelTraits weighted = new ModelTraits(32, 1, 0, false, true);
        assertEquals(TensorType.Q4_1, Mix.Q4_0.typeOf(new Place(TensorKind.DOWN, 3, 32, weighted)));
        assertEquals(TensorType.Q4_0, Mix.Q4_0.typeOf(new Place(TensorKind.DOWN, 4, 32, weighted)));
        assertEquals(TensorType.Q5_1, Mix.Q5_0.typeOf(new Place(TensorKind.DOWN, 3, 32, weighted)));
        assertEquals(TensorType.IQ4_XS, Mix.IQ4_XS.typeOf(new Place(TensorKind.DOWN, 3, 32, weighted)));
    }

    @Test
    void namesAreThoseThatPeopleKnow() {
        assertEquals(Mix.Q4_K_M, Mix.ofId("q4_k"));
        assertEquals(Mix.Q5_K_M, Mix.ofId("Q5_K_M"));
        assertEquals(Mix.Q3_K_M, Mix.ofId("Q3_K"));
        assertEquals(Mix.Q2_K, Mix.ofId("q2_k_m"));
        var e = assertThrows(IllegalArgumentException.class, () -> Mix.ofId("q9"));
        assertTrue(e.getMessage().contains("'q9'") && e.getMessage().contains("iq4_xs"), e.getMessage());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "blk.0.ffn_gate_inp.weight",
                "blk.0.attn_q_norm.weight",
                "position_embd.weight",
                "blk.0.attn_q.bias",
                "blk.3.ssm_conv1d.weight"
            })
    void someMatricesAreKept(String name) {
        assertEquals(false, TensorKind.isQuantizable(new TensorInfo(name, TensorType.F32, List.of(64L, 64L), 0, 0)));
    }

    @Test
    void vectorsAreKept() {
        String name = "blk.0.attn_q.weight";
        assertEquals(false, TensorKind.isQuantizable(new TensorInfo(name, TensorType.F32, List.of(64L), 0, 0)));
        assertEquals(false, TensorKind.isQuantizable(new TensorInfo(name, TensorType.F32, List.of(64L, 1L), 0, 0)));
        assertEquals(true, TensorKind.isQuantizable(new TensorInfo(name, TensorType.F32, List.of(64L, 2L), 0, 0)));
    }
}
