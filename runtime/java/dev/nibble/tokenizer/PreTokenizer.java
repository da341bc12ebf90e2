package dev.nibble.tokenizer;

import static dev.nibble.tokenizer.PreTokenizer.Trait.ADDS_BOS;
import static dev.nibble.tokenizer.PreTokenizer.Trait.ALWAYS_ADDS_BOS;
import static dev.nibble.tokenizer.PreTokenizer.Trait.COMPOSES;
import static dev.nibble.tokenizer.PreTokenizer.Trait.HAS_NO_BOS;
import static dev.nibble.tokenizer.PreTokenizer.Trait.IGNORES_MERGES;
import static dev.nibble.tokenizer.PreTokenizer.Trait.OVER_CHARACTERS;

import dev.nibble.UnsupportedFeatureException;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * The pre-tokenizers of public models, by the value of {@code tokenizer.ggml.pre}: how text is cut into words before
 * byte-pair encoding, and what else comes with that name.
 *
 * <p>Source: llama.cpp, src/llama-vocab.cpp.
 */
enum PreTokenizer {
    DEFAULT(Set.of(), "default"),
    GPT2(
            Set.of(),
            "gpt-2",
            "phi-2",
            "mpt",
            "olmo",
            "jais",
            "trillion",
            "granite-docling",
            "exaone4",
            "gigachat",
            "a.x-4.0",
            "mellum",
            "modern-bert",
            "roberta-bpe",
            "jina-es",
            "jina-de",
            "jina-v1-en",
            "jina-v2-es",
            "jina-v2-de",
            "jina-v2-code"),
    STARCODER(Set.of(), "starcoder", "refact", "command-r", "smollm", "codeshell", "exaone", "minerva-7b", "mellum2"),
    FALCON(Set.of(), "falcon"),
    LLAMA3(
            Set.of(IGNORES_MERGES, ADDS_BOS),
            "llama-bpe",
            "llama3",
            "llama-v3",
            "falcon3",
            "falcon-h1",
            "pixtral",
            "midm-2.0",
            "lfm2",
            "jina-v5-nano"),
    CL100K(Set.of(), "dbrx", "smaug-bpe"),
    CHATGLM4(Set.of(HAS_NO_BOS), "chatglm-bpe", "glm4"),
    QWEN2(Set.of(COMPOSES), "qwen2"),
    QWEN2_SHAPED(
            Set.of(),
            "deepseek-r1-qwen",
            "stablelm2",
            "megrez",
            "hunyuan",
            "solar-open",
            "grok-2",
            "kormo",
            "f2llmv2",
            "bailingmoe",
            "bailingmoe2",
            "llada-moe"),
    QWEN35(Set.of(COMPOSES), "qwen35"),
    UFAKZEKA(Set.of(), "ufakzeka"),
    SEED_CODER(Set.of(), "seed-coder"),
    JAIS2(Set.of(), "jais-2"),
    EXAONE_MOE(Set.of(), "exaone-moe"),
    MINICPM5(Set.of(IGNORES_MERGES), "minicpm5"),
    LAGUNA(Set.of(), "laguna"),
    TEKKEN(Set.of(IGNORES_MERGES, ADDS_BOS), "tekken"),
    O200K(Set.of(), "gpt-4o", "llama4", "kanana2", "talkie", "minimax-m2"),
    GRANITE_EMBEDDING(Set.of(IGNORES_MERGES), "granite-embed-multi-97m"),
    TINY_AYA(Set.of(), "tiny_aya", "cohere2moe"),
    YOUTU(Set.of(IGNORES_MERGES), "youtu"),
    KIMI_K2(Set.of(), "kimi-k2"),
    DEEPSEEK_LLM(Set.of(), "deepseek-llm"),
    DEEPSEEK_CODER(Set.of(), "deepseek-coder"),
    DEEPSEEK3(Set.of(), "deepseek-v3", "hunyuan-dense", "joyai-llm", "hy_v4"),
    SPARK25(Set.of(), "spark2_5"),
    AFMOE(Set.of(), "afmoe"),
    BLOOM(Set.of(), "bloom", "poro-chat", "gpt3-finnish"),
    VIKING(Set.of(), "viking"),
    GEMMA4(Set.of(OVER_CHARACTERS, ALWAYS_ADDS_BOS), "gemma4", "granite-embed-multi-311m"),
    SARVAM_MOE(Set.of(OVER_CHARACTERS), "sarvam-moe"),
    CHAMELEON(Set.of(ADDS_BOS), "chameleon"),
    SUPERBPE(Set.of(), "superbpe");

    private static final Map<String, PreTokenizer> BY_NAME = new HashMap<>();

    static {
        for (PreTokenizer row : values()) {
            row.names.forEach(name -> BY_NAME.put(name, row));
        }
    }

    private final Set<Trait> traits;
    private final List<String> names;

    PreTokenizer(Set<Trait> traits, String... names) {
        this.traits = traits;
        this.names = List.of(names);
    }

    /** What comes with a name besides the pattern. */
    enum Trait {
        /** A word that is a token is that token, whatever the merges say. */
        IGNORES_MERGES,
        /** A prompt begins with BOS, unless the file says otherwise. */
        ADDS_BOS,
        /** A prompt begins with BOS, even if the file says otherwise: the first files of such models say so in error. */
        ALWAYS_ADDS_BOS,
        /** Characters are merged, not bytes: {@link VocabularyScheme#CHARACTER_PAIR}. */
        OVER_CHARACTERS,
        /**
         * Text is composed first (normalization form C), as the models' own tokenizers do. Files do not say so, and llama.cpp
         * does not.
         */
        COMPOSES,
        /** There is no BOS, unless the file names one. */
        HAS_NO_BOS
    }

    /** The pre-tokenizer of this name, the default for an empty one. @throws UnsupportedFeatureException if it is not known */
    static PreTokenizer ofName(String name) {
        PreTokenizer known = name.isEmpty() ? DEFAULT : BY_NAME.get(name);
        if (known == null) {
            throw new UnsupportedFeatureException("tokenizer.ggml.pre is '" + name
                    + "', a way to cut words that is not known; known are: "
                    + Arrays.stream(values())
                            .flatMap(row -> row.names.stream())
                            .sorted()
                            .collect(Collectors.joining(", ")));
        }
        return known;
    }

    /** The passes, each cutting the pieces of the one before. */
    List<Splitter> passes() {
        return Patterns.of(this);
    }

    boolean ignoresMerges() {
        return traits.contains(IGNORES_MERGES);
    }

    boolean composes() {
        return traits.contains(COMPOSES);
    }

    boolean isOverCharacters() {
        return traits.contains(OVER_CHARACTERS);
    }

    boolean alwaysAddsBos() {
        return traits.contains(ALWAYS_ADDS_BOS);
    }

    boolean addsBos() {
        return traits.contains(ADDS_BOS);
    }

    boolean hasBos() {
        return !traits.contains(HAS_NO_BOS);
    }
}
