package dev.nibble.quantize;

import dev.nibble.gguf.TensorInfo;
import java.util.Arrays;
import java.util.List;

/** What a matrix of a model does, as far as mixes care. A tensor is of the first kind that its name has a part of. */
enum TensorKind {
    OUTPUT("^output.weight"),
    TOKEN_EMBEDDING("^token_embd.weight", "per_layer_token_embd.weight"),
    QUERY_KEY_VALUE("attn_qkv.weight"),
    KEY_VALUE("attn_kv_b.weight"),
    VALUE("attn_v.weight"),
    KEY("attn_k.weight"),
    QUERY("attn_q.weight"),
    ATTENTION_OUTPUT("attn_output.weight"),
    UP("ffn_up"),
    GATE("ffn_gate"),
    DOWN("ffn_down"),
    OTHER("");

    /** Parts of the names of what is small, or too delicate, to be worth quantizing. The names are those of llama.cpp. */
    private static final List<String> KEPT = List.of(
            "_norm.weight",
            "ffn_gate_inp",
            "ffn_gate_tid2eid.weight",
            "altup",
            "laurel",
            "per_layer_model_proj",
            "position_embd",
            "pos_embd",
            "token_types",
            "ssm_conv1d",
            "shortconv.conv.weight",
            "indexer.k_proj.weight",
            "indexer.q_proj.weight",
            "time_mix_",
            "attn_rel_b.weight",
            ".rel_pos",
            ".patch_embd",
            ".patch_merger",
            "sam.ne",
            "codebook",
            "code_embd");

    private final List<String> parts;

    TensorKind(String... parts) {
        this.parts = List.of(parts);
    }

    /** The kind of the tensor of this name. */
    static TensorKind of(String name) {
        return Arrays.stream(values())
                .filter(kind -> kind.parts.stream().anyMatch(part -> contains(name, part)))
                .findFirst()
                .orElseThrow();
    }

    private static boolean contains(String name, String part) {
        return part.startsWith("^") ? name.startsWith(part.substring(1)) : name.contains(part);
    }

    /** Whether a tensor is a matrix that a mix may give another type; vectors, routers and norms keep theirs. */
    static boolean isQuantizable(TensorInfo tensor) {
        return tensor.rows() * tensor.matrices() > 1
                && tensor.name().endsWith("weight")
                && KEPT.stream().noneMatch(tensor.name()::contains);
    }

    /** Whether it makes what attention takes its weighted mean of: these matrices are small, and errors in them tell most. */
    boolean isValue() {
        return this == QUERY_KEY_VALUE || this == KEY_VALUE || this == VALUE;
    }
}
