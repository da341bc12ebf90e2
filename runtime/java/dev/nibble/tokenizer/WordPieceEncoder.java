package dev.nibble.tokenizer;

import java.nio.charset.StandardCharsets;
import java.text.Normalizer;
import java.util.Arrays;

/**
 * WordPiece (the vocabulary kind {@code bert}): the text is normalised and cut into words at white space, punctuation and
 * Chinese characters, and each word into the longest tokens from its left. A word begins with U+2581, where the model's own
 * vocabulary marks continuations with {@code ##} instead. A word that cannot be cut is the unknown token.
 *
 * <p>Normalising follows llama.cpp: a character becomes the first of its canonical decomposition, and capitals become small.
 * Marks that stand alone in the text are dropped only where the file asks for it. Source: Devlin et al., "BERT", 2019; llama.cpp, src/llama-vocab.cpp.
 */
final class WordPieceEncoder implements Encoder {
    private static final byte[] WORD_START = "\u2581".getBytes(StandardCharsets.UTF_8);
    private static final int REPLACEMENT = 0xFFFD;
    private static final int FIRST_DECOMPOSABLE = 0xC0;

    private final TokenIndex index;
    private final int unknown;
    private final boolean lowercase;
    private final boolean stripAccents;
    private final boolean dropMarks;

    /**
     * @param index finds a token by its text
     * @param unknown the token of words that cannot be cut
     * @param stripAccents whether a character becomes the first of its decomposition
     * @param dropMarks whether marks that stand alone are left out
     */
    WordPieceEncoder(TokenIndex index, int unknown, boolean lowercase, boolean stripAccents, boolean dropMarks) {
        this.index = index;
        this.unknown = unknown;
        this.lowercase = lowercase;
        this.stripAccents = stripAccents;
        this.dropMarks = dropMarks;
    }

    @Override
    public void encode(byte[] text, int from, int to, boolean first, IntList out) {
        Word word = new Word();
        for (int at = from; at < to; at = Utf8.next(text, at)) {
            int codePoint = Utf8.codePoint(text, at);
            codePoint = stripAccents ? base(codePoint) : codePoint;
            int kind = Utf8.kind(codePoint);
            if (kind == Utf8.SPACE) {
                finish(word, out);
            } else if (isKept(codePoint, kind)) {
                boolean alone = standsAlone(codePoint, kind);
                if (alone) {
                    finish(word, out);
                }
                word.append(lowercase ? Character.toLowerCase(codePoint) : codePoint);
                if (alone) {
                    finish(word, out);
                }
            }
        }
        finish(word, out);
    }

    private boolean isKept(int codePoint, int kind) {
        if (codePoint == REPLACEMENT || dropMarks && kind == Utf8.MARK) {
            return false;
        }
        return kind != Utf8.OTHER || Character.getType(codePoint) == Character.UNASSIGNED;
    }

    private static boolean standsAlone(int codePoint, int kind) {
        return kind == Utf8.PUNCTUATION || codePoint < 0x7F && kind == Utf8.SYMBOL || isChinese(codePoint);
    }

    private void finish(Word word, IntList out) {
        if (word.isEmpty()) {
            return;
        }
        int before = out.size();
        byte[] text = word.bytes;
        int at = 0;
        while (at < word.length) {
            int end = longestToken(text, at, word.length, out);
            if (end == at) {
                out.truncate(before);
                break;
            }
            at = end;
        }
        if (out.size() == before) {
            out.add(unknown);
        }
        word.clear();
    }

    /** Adds the longest token at a position and returns its end; the position itself if there is none. */
    private int longestToken(byte[] text, int from, int to, IntList out) {
        for (int end = Math.min(to, from + index.longest()); end > from; end--) {
            boolean boundary = end == to || (text[end] & 0xC0) != 0x80;
            int id = boundary ? index.find(text, from, end) : TokenIndex.NONE;
            if (id != TokenIndex.NONE) {
                out.add(id);
                return end;
            }
        }
        return from;
    }

    private static int base(int codePoint) {
        if (codePoint < FIRST_DECOMPOSABLE) {
            return codePoint;
        }
        return Normalizer.normalize(Character.toString(codePoint), Normalizer.Form.NFD)
                .codePointAt(0);
    }

    /** The CJK blocks, as the tokenizers of public models draw them. */
    private static boolean isChinese(int c) {
        return c >= 0x4E00 && c <= 0x9FFF
                || c >= 0x3400 && c <= 0x4DBF
                || c >= 0x20000 && c <= 0x2A6DF
                || c >= 0x2A700 && c <= 0x2B73F
                || c >= 0x2B740 && c <= 0x2B81F
                || c >= 0x2B920 && c <= 0x2CEAF
                || c >= 0xF900 && c <= 0xFAFF
                || c >= 0x2F800 && c <= 0x2FA1F;
    }

    /** The word at hand: U+2581 and its characters. */
    private static final class Word {
        private byte[] bytes = new byte[64];
        private int length;

        Word() {
            clear();
        }

        boolean isEmpty() {
            return length == WORD_START.length;
        }

        void clear() {
            System.arraycopy(WORD_START, 0, bytes, 0, WORD_START.length);
            length = WORD_START.length;
        }

        void append(int codePoint) {
            byte[] more = Character.toString(codePoint).getBytes(StandardCharsets.UTF_8);
            if (length + more.length > bytes.length) {
                bytes = Arrays.copyOf(bytes, 2 * bytes.length);
            }
            System.arraycopy(more, 0, bytes, length, more.length);
            length += more.length;
        }
    }
}
