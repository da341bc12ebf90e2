package dev.nibble.tokenizer;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.stream.IntStream;

/**
 * Merges characters: spaces become U+2581, and what is no token in the end is written as bytes. Two kinds of vocabulary do
 * so. SentencePiece's bigram model ({@code llama}) merges into the token of the best score first; byte-pair encoding over
 * characters ({@code gemma4}) by the ranks of its merges, each line on its own.
 *
 * <p>Source: Kudo and Richardson, "SentencePiece", 2018; llama.cpp, src/llama-vocab.cpp.
 */
final class CharacterEncoder implements Encoder {
    private static final HexFormat HEX = HexFormat.of().withUpperCase();
    private static final byte[] ESCAPED_SPACE = "\u2581".getBytes(StandardCharsets.UTF_8);

    private final TokenIndex index;
    private final JoinedPairs joined;
    private final boolean spacePrefix;
    private final boolean byLines;
    /** (256): the token of each byte, -1 if there is none. */
    private final int[] byteTokens;

    private final Merges merges;
    private final WordCache cache = new WordCache();

    private CharacterEncoder(Vocabulary vocabulary, Merges merges, boolean byLines, int unknown) {
        this.index = vocabulary.index();
        this.joined = new JoinedPairs(vocabulary.bytes());
        this.merges = merges;
        this.byLines = byLines;
        this.spacePrefix = vocabulary.addsSpacePrefix() && !byLines;
        this.byteTokens = IntStream.range(0, 256)
                .map(value -> byteToken(vocabulary.index(), value, unknown))
                .toArray();
    }

    /** Says which neighbours merge, as {@link MergeQueue.Pairs} does, with the text at hand. */
    private interface Merges {
        long find(byte[] text, MergeQueue symbols, int left, int right);
    }

    /** By the scores of the tokens. @param unknown what stands for a byte without a token of its own, -1 for nothing */
    static CharacterEncoder sentencePiece(Vocabulary vocabulary, int unknown) {
        TokenIndex index = vocabulary.index();
        int[] ranks = ranks(vocabulary.scores());
        Merges byScore = (text, symbols, left, right) -> {
            int id = index.find(text, symbols.start(left), symbols.end(right));
            return id == TokenIndex.NONE ? TokenIndex.NONE : (long) ranks[id] << Integer.SIZE | id;
        };
        return new CharacterEncoder(vocabulary, byScore, false, unknown);
    }

    /** By a table of merges. A byte without a token of its own is left out. */
    static CharacterEncoder merging(Vocabulary vocabulary, MergeTable table) {
        Merges byRank = (text, symbols, left, right) -> table.find(symbols.id(left), symbols.id(right));
        return new CharacterEncoder(vocabulary, byRank, true, TokenIndex.NONE);
    }

    @Override
    public void encode(byte[] text, int from, int to, boolean first, IntList out) {
        byte[] escaped = escape(text, from, to, spacePrefix && first);
        MergeQueue queue = new MergeQueue();
        int start = 0;
        int end = escaped.length;
        int at = 0;
        while (at < end) {
            int left = Utf8.codePoint(escaped, at);
            at = Utf8.next(escaped, at);
            if (at == end || isBoundary(left, Utf8.codePoint(escaped, at))) {
                encodeWord(escaped, start, at, queue, out);
                start = at;
            }
        }
    }

    private boolean isBoundary(int left, int right) {
        return !joined.contains(left, right) || byLines && (left == '\n') != (right == '\n');
    }

    private void encodeWord(byte[] text, int from, int to, MergeQueue queue, IntList out) {
        boolean keep = to - from <= WordCache.LONGEST;
        int hash = keep ? ByteHash.of(text, from, to) : 0;
        int[] known = keep ? cache.get(text, from, to, hash) : null;
        if (known != null) {
            out.addAll(known);
            return;
        }
        int before = out.size();
        int newlines = byLines && text[from] == '\n' ? index.find(text, from, to) : TokenIndex.NONE;
        if (newlines == TokenIndex.NONE) {
            merge(text, from, to, queue, out);
        } else {
            out.add(newlines); // a run of newlines that is a token is that token, whatever the merges say
        }
        if (keep) {
            cache.put(text, from, to, hash, out.toArray(before));
        }
    }

    private void merge(byte[] text, int from, int to, MergeQueue queue, IntList out) {
        queue.begin(to);
        int end = from;
        for (int at = from; at < to; at = end) {
            end = Utf8.next(text, at);
            queue.add(at, index.find(text, at, end));
        }
        queue.merge((symbols, left, right) -> merges.find(text, symbols, left, right));
        for (int symbol = 0; symbol >= 0; symbol = queue.next(symbol)) {
            if (queue.id(symbol) == TokenIndex.NONE) {
                addBytes(text, queue.start(symbol), queue.end(symbol), out);
            } else {
                out.add(queue.id(symbol));
            }
        }
    }

    private void addBytes(byte[] text, int from, int to, IntList out) {
        for (int i = from; i < to; i++) {
            int id = byteTokens[text[i] & 0xFF];
            if (id != TokenIndex.NONE) {
                out.add(id);
            }
        }
    }

    private static byte[] escape(byte[] text, int from, int to, boolean prefix) {
        int spaces = prefix ? 1 : 0;
        for (int i = from; i < to; i++) {
            spaces += text[i] == ' ' ? 1 : 0;
        }
        int grown = Math.multiplyExact(ESCAPED_SPACE.length - 1, spaces);
        byte[] escaped = new byte[Math.addExact(to - from + (prefix ? 1 : 0), grown)];
        int at = prefix ? space(escaped, 0) : 0;
        for (int i = from; i < to; i++) {
            if (text[i] == ' ') {
                at = space(escaped, at);
            } else {
                escaped[at++] = text[i];
            }
        }
        return escaped;
    }

    private static int space(byte[] escaped, int at) {
        System.arraycopy(ESCAPED_SPACE, 0, escaped, at, ESCAPED_SPACE.length);
        return at + ESCAPED_SPACE.length;
    }

    /** (tokens): place in the order of falling score; equal scores share a place. */
    private static int[] ranks(float[] scores) {
        float[] rising = scores.clone();
        Arrays.sort(rising);
        int[] ranks = new int[scores.length];
        for (int id = 0; id < scores.length; id++) {
            ranks[id] = scores.length - notAbove(rising, scores[id]);
        }
        return ranks;
    }

    /** How many of the sorted values are not above this one. */
    private static int notAbove(float[] sorted, float value) {
        int low = 0;
        int high = sorted.length;
        while (low < high) {
            int middle = (low + high) >>> 1;
            if (sorted[middle] <= value) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        return low;
    }

    private static int byteToken(TokenIndex index, int value, int unknown) {
        byte[] name = ("<0x" + HEX.toHexDigits((byte) value) + ">").getBytes(StandardCharsets.US_ASCII);
        int id = index.find(name, 0, name.length);
        if (id == TokenIndex.NONE) {
            id = index.find(new byte[] {(byte) value}, 0, 1);
        }
        return id == TokenIndex.NONE ? unknown : id;
    }
}
