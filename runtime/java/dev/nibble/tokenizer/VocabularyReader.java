package dev.nibble.tokenizer;

import dev.nibble.gguf.Metadata;
import dev.nibble.gguf.MetadataValue;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.BitSet;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;

/**
 * Reads a vocabulary from the metadata of a file and checks that it is whole. Defaults, and the tokens that are found by
 * name, are those of llama.cpp (src/llama-vocab.cpp).
 */
final class VocabularyReader {
    private static final String PREFIX = "tokenizer.ggml.";
    private static final String TOKENS = PREFIX + "tokens";
    private static final String SCORES = PREFIX + "scores";
    private static final String TYPES = PREFIX + "token_type";
    private static final String ADD_BOS = PREFIX + "add_bos_token";
    private static final String ADD_EOS = PREFIX + "add_eos_token";
    private static final long NO_ID = 0xFFFFFFFFL;

    /** Names of tokens after which a model has nothing more to say. */
    private static final List<String> END_NAMES = List.of(
            "<|eot_id|>",
            "<|im_end|>",
            "<|end|>",
            "<|return|>",
            "<|call|>",
            "<|flush|>",
            "<|calls|>",
            "<end_of_turn>",
            "<|endoftext|>",
            "</s>",
            "<|eom_id|>",
            "<EOT>",
            "_<EOT>",
            "[EOT]",
            "[EOS]",
            "<|end_of_text|>",
            "<end_of_utterance>",
            "<eos>",
            "<turn|>",
            "<|tool_response>",
            "<｜end▁of▁sentence｜>",
            "[e~[");

    /** Control tokens whose text is wanted in the output, because the reader of the output needs them. */
    private static final List<String> SHOWN_NAMES = List.of("<|channel|>", "<|message|>", "<|start|>", "<|constrain|>");

    private final Metadata metadata;
    private final VocabularyScheme scheme;
    private final TokenBytes bytes;
    private final TokenIndex index;
    private final float[] scores;
    private final TokenKind[] kinds;
    private final Map<SpecialToken, Integer> special = new EnumMap<>(SpecialToken.class);
    private final BitSet ends = new BitSet();
    private final boolean addBos;
    private final boolean addEos;
    private final boolean addSpacePrefix;

    /** @param preTokenizer for byte-pair encoding; the default for all others */
    VocabularyReader(Metadata metadata, VocabularyScheme scheme, PreTokenizer preTokenizer) {
        this.metadata = metadata;
        this.scheme = scheme;
        this.bytes = readBytes();
        this.index = readIndex();
        this.scores = readScores();
        this.kinds = readKinds();
        defaults(preTokenizer).forEach(this::putDefault);
        for (SpecialToken role : SpecialToken.values()) {
            readSpecial(role);
        }
        findEnds();
        boolean word = scheme == VocabularyScheme.WORD_PIECE;
        boolean piece = scheme == VocabularyScheme.SENTENCE_PIECE;
        addBos = word || preTokenizer.alwaysAddsBos()
                ? require(SpecialToken.BOS)
                : readFlag(ADD_BOS, piece || preTokenizer.addsBos(), SpecialToken.BOS);
        addEos = word ? require(SpecialToken.SEPARATOR) : readFlag(ADD_EOS, false, SpecialToken.EOS);
        addSpacePrefix = metadata.boolOr(PREFIX + "add_space_prefix", piece);
    }

    VocabularyScheme scheme() {
        return scheme;
    }

    TokenBytes bytes() {
        return bytes;
    }

    TokenIndex index() {
        return index;
    }

    TokenKind[] kinds() {
        return kinds;
    }

    float[] scores() {
        return scores;
    }

    Map<SpecialToken, Integer> special() {
        return special;
    }

    BitSet ends() {
        return ends;
    }

    boolean addBos() {
        return addBos;
    }

    boolean addEos() {
        return addEos;
    }

    boolean addSpacePrefix() {
        return addSpacePrefix;
    }

    private TokenBytes readBytes() {
        int count = metadata.strings(TOKENS).size();
        if (count == 0 || !(metadata.typed(TOKENS) instanceof MetadataValue.Texts strings)) {
            throw metadata.invalid(TOKENS, "is empty");
        }
        TokenBytes.Builder builder = new TokenBytes.Builder(count, 8 * count);
        for (int id = 0; id < count; id++) {
            ByteBuffer text = strings.bytes(id);
            if (text.hasRemaining()) {
                builder.append(text);
            } else {
                builder.append(ByteBuffer.wrap(("[EMPTY_" + id + "]").getBytes(StandardCharsets.UTF_8)));
            }
            builder.next();
        }
        return builder.build();
    }

    private TokenIndex readIndex() {
        TokenIndex read = new TokenIndex(bytes);
        for (int id = 0; id < bytes.size(); id++) {
            int other = read.add(id);
            if (other != TokenIndex.NONE) {
                throw metadata.invalid(TOKENS, "holds '" + bytes.text(id) + "' twice, at " + other + " and " + id);
            }
        }
        return read;
    }

    private float[] readScores() {
        if (!metadata.contains(SCORES)) {
            return new float[bytes.size()];
        }
        float[] read = metadata.floats(SCORES);
        checkLength(SCORES, read.length);
        for (int id = 0; id < read.length; id++) {
            if (Float.isNaN(read[id])) {
                throw metadata.invalid(SCORES, "holds NaN for token " + id);
            }
        }
        return read;
    }

    private TokenKind[] readKinds() {
        TokenKind[] read = new TokenKind[bytes.size()];
        Arrays.fill(read, TokenKind.NORMAL);
        if (!metadata.contains(TYPES)) {
            return read;
        }
        int[] codes = metadata.ints(TYPES);
        checkLength(TYPES, codes.length);
        for (int id = 0; id < codes.length; id++) {
            if (!TokenKind.isCode(codes[id])) {
                throw metadata.invalid(
                        TYPES, "holds " + codes[id] + " for token " + id + ", which is no kind of token");
            }
            read[id] = TokenKind.ofCode(codes[id]);
        }
        return read;
    }

    private void checkLength(String key, int length) {
        if (length != bytes.size()) {
            throw metadata.invalid(key, "has " + length + " values for " + bytes.size() + " tokens of " + TOKENS);
        }
    }

    private Map<SpecialToken, Integer> defaults(PreTokenizer preTokenizer) {
        return switch (scheme) {
            case SENTENCE_PIECE -> Map.of(SpecialToken.BOS, 1, SpecialToken.EOS, 2, SpecialToken.UNKNOWN, 0);
            case WORD_PIECE ->
                Map.of(
                        SpecialToken.BOS,
                        metadata.intOr(PREFIX + "cls_token_id", 101),
                        SpecialToken.UNKNOWN,
                        100,
                        SpecialToken.SEPARATOR,
                        102,
                        SpecialToken.PADDING,
                        0,
                        SpecialToken.MASK,
                        103);
            case CHARACTER_PAIR -> Map.of();
            case BYTE_PAIR ->
                preTokenizer.hasBos()
                        ? Map.of(SpecialToken.BOS, 11, SpecialToken.EOS, 11)
                        : Map.of(SpecialToken.EOS, 11);
        };
    }

    private void putDefault(SpecialToken role, int id) {
        if (id >= 0 && id < bytes.size()) {
            special.put(role, id);
        }
    }

    private void readSpecial(SpecialToken role) {
        OptionalLong given = metadata.integer(role.key());
        if (given.isPresent()) {
            long id = given.getAsLong();
            if (id == NO_ID || id == -1) {
                special.remove(role);
            } else if (id < 0 || id >= bytes.size()) {
                throw metadata.invalid(role.key(), "is " + id + ", but there are " + bytes.size() + " tokens");
            } else {
                special.put(role, (int) id);
            }
        }
        for (String name : role.names()) {
            int id = find(name);
            if (id != TokenIndex.NONE && !special.containsKey(role)) {
                special.put(role, id);
                kinds[id] = TokenKind.CONTROL;
            }
        }
    }

    private void findEnds() {
        for (String name : END_NAMES) {
            int id = find(name);
            if (id != TokenIndex.NONE) {
                ends.set(id);
                kinds[id] = TokenKind.CONTROL;
            }
        }
        special.forEach((role, id) -> {
            if (role.endsGeneration()) {
                ends.set(id);
            }
        });
        SHOWN_NAMES.forEach(name -> setKind(name, TokenKind.USER_DEFINED));
        boolean calls = isEnd("<|call|>") || isEnd("<|calls|>");
        if (calls && (isEnd("<|return|>") || isEnd("<|flush|>")) && isEnd("<|end|>")) {
            // ends a message there, after which the next one of the same turn follows
            ends.clear(find("<|end|>"));
            setKind("<|end|>", TokenKind.USER_DEFINED);
        }
        if (isEnd("<|tool_response>") && isEnd("</s>")) {
            ends.clear(find("</s>"));
            setKind("</s>", TokenKind.NORMAL);
        }
    }

    private boolean isEnd(String name) {
        int id = find(name);
        return id != TokenIndex.NONE && ends.get(id);
    }

    private void setKind(String name, TokenKind kind) {
        int id = find(name);
        if (id != TokenIndex.NONE) {
            kinds[id] = kind;
        }
    }

    private boolean readFlag(String key, boolean absent, SpecialToken role) {
        boolean flag = metadata.boolOr(key, absent);
        if (flag && !special.containsKey(role)) {
            throw metadata.invalid(
                    role.key(), "is missing, but " + key + " is true" + (metadata.contains(key) ? "" : " by default"));
        }
        return flag;
    }

    /** A token that is added whatever the flags say. */
    private boolean require(SpecialToken role) {
        if (!special.containsKey(role)) {
            throw metadata.invalid(role.key(), "is missing, and a prompt needs this token");
        }
        return true;
    }

    private int find(String text) {
        byte[] wanted = text.getBytes(StandardCharsets.UTF_8);
        return index.find(wanted, 0, wanted.length);
    }
}
