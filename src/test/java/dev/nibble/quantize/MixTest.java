package dev.nibble.quantize;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.nibble.gguf.TensorInfo;
import dev.nibble.gguf.TensorType;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Names of mixes, and what none of them touches; which types they give, {@link MixChoicesTest} compares with another program. */
class MixTest {
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
