package dev.nibble.tokenizer;

import java.nio.charset.StandardCharsets;
import java.util.BitSet;
import java.util.Map;

/** The tokens of a model and what each is. Immutable. Ids run from 0 to {@code size() - 1}. */
public final class Vocabulary {
    /** No token. */
    public static final int NONE = TokenIndex.NONE;

    private final VocabularyScheme scheme;
    /** As in the file. */
    private final TokenBytes bytes;

    private final TokenIndex index;
    /** (size). */
    private final TokenKind[] kinds;
    /** (size). */
    private final float[] scores;

    private final Map<SpecialToken, Integer> special;
    private final BitSet ends;
    private final boolean addBos;
    private final boolean addEos;
    private final boolean addSpacePrefix;

    Vocabulary(VocabularyReader reader) {
        scheme = reader.scheme();
        bytes = reader.bytes();
        index = reader.index();
        kinds = reader.kinds();
        scores = reader.scores();
        special = Map.copyOf(reader.special());
        ends = reader.ends();
        addBos = reader.addBos();
        addEos = reader.addEos();
        addSpacePrefix = reader.addSpacePrefix();
    }

    /** The number of tokens. */
    public int size() {
        return bytes.size();
    }

    /** How the vocabulary is meant to be used. */
    public VocabularyScheme scheme() {
        return scheme;
    }

    /** The text of a token as the file writes it: in the alphabet of its scheme, not as it reads in a text. */
    public String text(int id) {
        return bytes.text(check(id));
    }

    /** What a token stands for. */
    public TokenKind kind(int id) {
        return kinds[check(id)];
    }

    /** The score of a token, 0 where the file has none. */
    public float score(int id) {
        return scores[check(id)];
    }

    /** The token that the file writes so, or {@link #NONE}. */
    public int find(String text) {
        byte[] wanted = text.getBytes(StandardCharsets.UTF_8);
        return index.find(wanted, 0, wanted.length);
    }

    /** The token of this role, or {@link #NONE}. */
    public int id(SpecialToken role) {
        return special.getOrDefault(role, NONE);
    }

    /** The token that begins a text, or {@link #NONE}. */
    public int bos() {
        return id(SpecialToken.BOS);
    }

    /** The token that ends a text, or {@link #NONE}. */
    public int eos() {
        return id(SpecialToken.EOS);
    }

    /** The token that ends a turn, or {@link #NONE}. */
    public int eot() {
        return id(SpecialToken.EOT);
    }

    /** Whether a model that says this token has said all: EOS, EOT, EOM and the well-known names of such. */
    public boolean isEndOfGeneration(int id) {
        return ends.get(check(id));
    }

    /** Whether the model wants {@link #bos} before a prompt. */
    public boolean addsBos() {
        return addBos;
    }

    /** Whether the model wants {@link #eos} after a prompt; with WordPiece, {@link SpecialToken#SEPARATOR}. */
    public boolean addsEos() {
        return addEos;
    }

    /** Whether a text is read as if a space stood before it. */
    public boolean addsSpacePrefix() {
        return addSpacePrefix;
    }

    /** The role of the token after a prompt, where one is added. */
    SpecialToken endRole() {
        return scheme == VocabularyScheme.WORD_PIECE ? SpecialToken.SEPARATOR : SpecialToken.EOS;
    }

    /** (size), shared. */
    float[] scores() {
        return scores;
    }

    TokenBytes bytes() {
        return bytes;
    }

    TokenIndex index() {
        return index;
    }

    private int check(int id) {
        if (id < 0 || id >= bytes.size()) {
            throw new IllegalArgumentException("token " + id + " is not in the vocabulary of " + bytes.size());
        }
        return id;
    }
}
