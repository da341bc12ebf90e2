package dev.nibble.tokenizer;

import dev.nibble.gguf.Metadata;
import java.util.ArrayList;
import java.util.List;

/** Makes the metadata of small vocabularies for tests. */
final class SmallVocabulary {
    private static final String PREFIX = "tokenizer.ggml.";

    private final String model;
    private final List<String> tokens = new ArrayList<>();
    private final List<Float> scores = new ArrayList<>();
    private final List<Integer> types = new ArrayList<>();
    private final List<String> merges = new ArrayList<>();

    private SmallVocabulary(String model) {
        this.model = model;
    }

    /** {@code <unk>}, {@code <s>}, {@code </s>}, the 256 bytes, and these pieces with falling scores. */
    static SmallVocabulary sentencePiece(String... pieces) {
        SmallVocabulary vocabulary = new SmallVocabulary("llama");
        vocabulary.add("<unk>", 2).add("<s>", 3).add("</s>", 3);
        for (int value = 0; value < 256; value++) {
            vocabulary.add(String.format("<0x%02X>", value), 6);
        }
        for (String piece : pieces) {
            vocabulary.add(piece, 1);
        }
        return vocabulary;
    }

    /** The 256 bytes of the byte alphabet, and the tokens that these merges make. */
    static SmallVocabulary bytePair(String... merges) {
        SmallVocabulary vocabulary = new SmallVocabulary("gpt2");
        int other = 256;
        for (int value = 0; value < 256; value++) {
            boolean printable =
                    value >= '!' && value <= '~' || value >= 0xA1 && value <= 0xAC || value >= 0xAE && value <= 0xFF;
            vocabulary.add(Character.toString(printable ? value : other++), 1);
        }
        for (String merge : merges) {
            vocabulary.merges.add(merge);
            String merged = merge.replace(" ", "");
            if (!vocabulary.tokens.contains(merged)) {
                vocabulary.add(merged, 1);
            }
        }
        return vocabulary;
    }

    /** The five tokens of BERT at small ids, and these pieces as the file writes them. */
    static SmallVocabulary wordPiece(String... pieces) {
        SmallVocabulary vocabulary = new SmallVocabulary("bert");
        vocabulary.add("[PAD]", 3).add("[UNK]", 3).add("[CLS]", 3).add("[SEP]", 3);
        for (String piece : pieces) {
            vocabulary.add(piece, 1);
        }
        return vocabulary;
    }

    SmallVocabulary add(String token, int type) {
        tokens.add(token);
        types.add(type);
        scores.add(-(float) tokens.size());
        return this;
    }

    int id(String token) {
        return tokens.indexOf(token);
    }

    /** The metadata, to be changed or built. */
    Metadata.Builder metadata() {
        float[] values = new float[scores.size()];
        for (int i = 0; i < values.length; i++) {
            values[i] = scores.get(i);
        }
        Metadata.Builder builder = Metadata.builder()
                .string(PREFIX + "model", model)
                .strings(PREFIX + "tokens", tokens)
                .ints(
                        PREFIX + "token_type",
                        types.stream().mapToInt(Integer::intValue).toArray())
                .floats(PREFIX + "scores", values);
        if (model.equals("gpt2")) {
            builder.strings(PREFIX + "merges", merges).string(PREFIX + "pre", "gpt-2");
        }
        if (model.equals("bert")) {
            builder.uint32(PREFIX + "unknown_token_id", 1)
                    .uint32(PREFIX + "cls_token_id", 2)
                    .uint32(PREFIX + "seperator_token_id", 3);
        }
        return builder;
    }

    Tokenizer tokenizer() {
        return Tokenizer.of(metadata().build());
    }
}
