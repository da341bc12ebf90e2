package dev.nibble.tokenizer;

import java.util.List;

/**
 * The tokens with a role of their own: the metadata key that names each, and the names by which it is known where a file
 * lacks that key.
 *
 * <p>Source: llama.cpp, src/llama-vocab.cpp.
 */
public enum SpecialToken {
    /** Begins a text; the CLS token of BERT. */
    BOS("bos_token_id"),
    /** Ends a text. */
    EOS("eos_token_id"),
    /** Ends the turn of one who speaks. */
    EOT(
            "eot_token_id",
            "<|eot_id|>",
            "<|im_end|>",
            "<|end|>",
            "<end_of_turn>",
            "<|endoftext|>",
            "<|end_of_text|>",
            "<EOT>",
            "_<EOT>",
            "[EOT]",
            "<｜end▁of▁sentence｜>",
            "<end_of_utterance>"),
    /** Ends a message whose turn goes on. */
    EOM("eom_token_id", "<|eom_id|>"),
    /** Stands for text outside the vocabulary. */
    UNKNOWN("unknown_token_id"),
    /** Separates two texts. */
    SEPARATOR("seperator_token_id"),
    /** Fills a batch. */
    PADDING("padding_token_id"),
    /** Stands for a word to be guessed. */
    MASK("mask_token_id"),
    /** Fill in the middle: the text before the gap follows. */
    FIM_PREFIX(
            "fim_pre_token_id",
            "<|fim_prefix|>",
            "<fim-prefix>",
            "<fim_prefix>",
            "<｜fim▁begin｜>",
            "<PRE>",
            "▁<PRE>",
            "<|code_prefix|>",
            "<|prefix|>"),
    /** Fill in the middle: the text after the gap follows. */
    FIM_SUFFIX(
            "fim_suf_token_id",
            "<|fim_suffix|>",
            "<fim-suffix>",
            "<fim_suffix>",
            "<｜fim▁hole｜>",
            "<SUF>",
            "▁<SUF>",
            "<|code_suffix|>",
            "<|suffix|>"),
    /** Fill in the middle: the text of the gap follows. */
    FIM_MIDDLE(
            "fim_mid_token_id",
            "<|fim_middle|>",
            "<fim-middle>",
            "<fim_middle>",
            "<｜fim▁end｜>",
            "<MID>",
            "▁<MID>",
            "<|code_middle|>",
            "<|middle|>"),
    /** Fill in the middle: fills a batch. */
    FIM_PADDING("fim_pad_token_id", "<|fim_pad|>", "<fim-pad>", "<fim_pad>", "<PAD>", "[PAD]"),
    /** Fill in the middle: a new repository. */
    FIM_REPOSITORY("fim_rep_token_id", "<|fim_repo|>", "<|repo_name|>", "<fim-repo>", "<REPO>", "<reponame>"),
    /** Fill in the middle: a new file. */
    FIM_FILE("fim_sep_token_id", "<|file_sep|>");

    private final String key;
    private final List<String> names;

    SpecialToken(String key, String... names) {
        this.key = "tokenizer.ggml." + key;
        this.names = List.of(names);
    }

    /** The metadata key that holds its id. */
    String key() {
        return key;
    }

    /** The texts by which it is known without that key, the surest first. */
    List<String> names() {
        return names;
    }

    /** Whether the model has said all when it says this. */
    boolean endsGeneration() {
        return switch (this) {
            case EOS, EOT, EOM, FIM_PADDING, FIM_REPOSITORY, FIM_FILE -> true;
            default -> false;
        };
    }
}
