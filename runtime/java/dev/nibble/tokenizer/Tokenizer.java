package dev.nibble.tokenizer;

import dev.nibble.InvalidModelException;
import dev.nibble.UnsupportedFeatureException;
import dev.nibble.gguf.Metadata;
import java.nio.charset.StandardCharsets;
import java.util.BitSet;
import java.util.Locale;
import java.util.function.IntPredicate;
import java.util.stream.IntStream;

/**
 * Text to tokens and back, exactly as the model was trained to read it. Immutable and thread-safe.
 *
 * <pre>{@code
 * Tokenizer tokenizer = Tokenizer.of(file.metadata());
 * int[] ids = tokenizer.encode("Once upon a time");
 * String text = tokenizer.decode(ids);
 * }</pre>
 */
public final class Tokenizer {
    private static final String STRIP_ACCENTS = "tokenizer.ggml.normalizer.strip_accents";

    private final Vocabulary vocabulary;
    private final Encoder encoder;
    /** Matched where special tokens are recognised. */
    private final SpecialTokens special;
    /** Matched always. */
    private final SpecialTokens userDefined;
    /** What each token adds to the text. */
    private final TokenBytes output;
    /** The token before a prompt, -1 if there is none. */
    private final int beginning;
    /** The token after a prompt, -1 if there is none. */
    private final int ending;

    private Tokenizer(Metadata metadata) {
        VocabularyScheme scheme = VocabularyScheme.ofName(metadata.requireString("tokenizer.ggml.model"));
        PreTokenizer preTokenizer = switch (scheme) {
            case BYTE_PAIR -> PreTokenizer.ofName(metadata.stringOr("tokenizer.ggml.pre", "default"));
            case CHARACTER_PAIR -> PreTokenizer.GEMMA4;
            case SENTENCE_PIECE, WORD_PIECE -> PreTokenizer.DEFAULT;
        };
        if (preTokenizer.isOverCharacters()) {
            scheme = VocabularyScheme.CHARACTER_PAIR;
        }
        vocabulary = new Vocabulary(new VocabularyReader(metadata, scheme, preTokenizer));
        encoder = encoder(metadata, preTokenizer);
        output = TokenOutput.of(vocabulary, metadata);
        beginning = vocabulary.addsBos() ? vocabulary.bos() : Vocabulary.NONE;
        ending = vocabulary.addsEos() ? vocabulary.id(vocabulary.endRole()) : Vocabulary.NONE;
        int[] named = ids(TokenKind.CONTROL, TokenKind.UNKNOWN, TokenKind.USER_DEFINED);
        SpecialTokens.Stripping stripping = stripping(metadata, named);
        special = new SpecialTokens(vocabulary.bytes(), named, stripping);
        userDefined = new SpecialTokens(vocabulary.bytes(), ids(TokenKind.USER_DEFINED), stripping);
    }

    /**
     * Reads the tokenizer of a model.
     *
     * @throws InvalidModelException if the vocabulary is missing or broken; names the metadata key
     * @throws UnsupportedFeatureException if the kind of vocabulary or of pre-tokenizer is not known
     */
    public static Tokenizer of(Metadata metadata) {
        return new Tokenizer(metadata);
    }

    /** The tokens and what each is. */
    public Vocabulary vocabulary() {
        return vocabulary;
    }

    /** Encodes a prompt: {@link EncodeOptions#PROMPT}. */
    public int[] encode(String text) {
        return encode(text, EncodeOptions.PROMPT);
    }

    /** Encodes plain text: {@link EncodeOptions#PLAIN}. */
    public int[] encodePlain(String text) {
        return encode(text, EncodeOptions.PLAIN);
    }

    /** Encodes text. Surrogates without a partner, which are no characters, are read as question marks. */
    public int[] encode(String text, EncodeOptions options) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        IntList out = new IntList(bytes.length / 3 + 8);
        if (options.addSpecial() && beginning != Vocabulary.NONE) {
            out.add(beginning);
        }
        boolean first = true;
        SpecialTokens matched = options.parseSpecial() ? special : userDefined;
        for (SpecialTokens.Fragment fragment : matched.partition(bytes)) {
            if (fragment.isToken()) {
                out.add(fragment.id());
            } else {
                encoder.encode(bytes, fragment.from(), fragment.to(), first, out);
            }
            first = fragment.isToken();
        }
        if (options.addSpecial() && ending != Vocabulary.NONE) {
            out.add(ending);
        }
        return out.toArray();
    }

    /** The text of tokens that begin a text. Control tokens are left out. */
    public String decode(int[] ids) {
        return decode(ids, false);
    }

    /**
     * The text of tokens that begin a text, without the space that {@link #encode} put before it.
     *
     * @param showControl whether control tokens are written by their names
     */
    public String decode(int[] ids, boolean showControl) {
        boolean ownSpace = vocabulary.addsSpacePrefix() || vocabulary.scheme() == VocabularyScheme.WORD_PIECE;
        TokenDecoder decoder = new TokenDecoder(this, showControl, ownSpace);
        StringBuilder text = new StringBuilder();
        for (int id : ids) {
            text.append(decoder.accept(id));
        }
        return text.append(decoder.flush()).toString();
    }

    /** Decodes a stream of tokens that continues a text: what a model generates. Control tokens are left out. */
    public TokenDecoder decoder() {
        return decoder(false);
    }

    /** As above. @param showControl whether control tokens are written by their names */
    public TokenDecoder decoder(boolean showControl) {
        return new TokenDecoder(this, showControl, false);
    }

    /** The bytes that a token adds to a text: perhaps a part of a character, none for a control token. */
    public byte[] bytes(int id) {
        vocabulary.kind(id);
        return output.get(id);
    }

    byte[] output(int id, boolean showControl) {
        TokenKind kind = vocabulary.kind(id);
        boolean named = showControl && (kind == TokenKind.CONTROL || kind == TokenKind.UNKNOWN);
        return named ? vocabulary.bytes().get(id) : output.get(id);
    }

    private Encoder encoder(Metadata metadata, PreTokenizer preTokenizer) {
        int unknown = vocabulary.id(SpecialToken.UNKNOWN);
        return switch (vocabulary.scheme()) {
            case SENTENCE_PIECE -> CharacterEncoder.sentencePiece(vocabulary, unknown);
            case CHARACTER_PAIR -> {
                MergeReader reader = new MergeReader(metadata, vocabulary.index());
                yield CharacterEncoder.merging(vocabulary, reader.merges());
            }
            case BYTE_PAIR -> {
                MergeReader reader = new MergeReader(metadata, vocabulary.bytes());
                Encoder encoder = new BytePairEncoder(
                        preTokenizer.passes(), reader.index(), reader.merges(), preTokenizer.ignoresMerges());
                yield preTokenizer.composes() ? new ComposingEncoder(encoder) : encoder;
            }
            case WORD_PIECE -> {
                boolean lowercase = metadata.boolOr("tokenizer.ggml.normalizer.lowercase", true);
                boolean strip = metadata.boolOr(STRIP_ACCENTS, lowercase);
                boolean dropMarks = strip && metadata.contains(STRIP_ACCENTS);
                yield new WordPieceEncoder(vocabulary.index(), unknown, lowercase, strip, dropMarks);
            }
        };
    }

    /** Files do not say which special tokens swallow the white space beside them: the model's name does. */
    private SpecialTokens.Stripping stripping(Metadata metadata, int[] special) {
        String name = metadata.stringOr("general.name", "").toLowerCase(Locale.ROOT);
        String pre = metadata.stringOr("tokenizer.ggml.pre", "");
        BitSet left = new BitSet();
        BitSet right = new BitSet();
        if (pre.startsWith("jina-v2-")) {
            set(left, "<mask>", true);
        } else if (name.contains("phi-3") || name.contains("phi3")) {
            IntStream.of(special).forEach(right::set);
            set(right, "</s>", true);
            set(right, "<unk>", false);
            set(right, "<s>", false);
            set(right, "<|endoftext|>", false);
        } else if (name.contains("modern-bert")) {
            set(left, "[MASK]", true);
        }
        return new SpecialTokens.Stripping(left, right);
    }

    private void set(BitSet ids, String text, boolean value) {
        int id = vocabulary.find(text);
        if (id != Vocabulary.NONE) {
            ids.set(id, value);
        }
    }

    private int[] ids(TokenKind... kinds) {
        IntPredicate isWanted = id -> {
            for (TokenKind kind : kinds) {
                if (vocabulary.kind(id) == kind) {
                    return true;
                }
            }
            return false;
        };
        return IntStream.range(0, vocabulary.size()).filter(isWanted).toArray();
    }
}
