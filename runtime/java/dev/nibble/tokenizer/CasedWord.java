package dev.nibble.tokenizer;

import static dev.nibble.tokenizer.Utf8.LETTER;
import static dev.nibble.tokenizer.Utf8.MARK;
import static dev.nibble.tokenizer.Utf8.NUMBER;

/**
 * A word cut where small letters end and capitals begin, as in o200k:
 * {@code [^\r\n\p{L}\p{N}]?U*l+|[^\r\n\p{L}\p{N}]?U+l*}, where {@code U} is a letter that is not a-z and {@code l} one that
 * is not A-Z, so that letters beyond ASCII are both.
 *
 * @param kinds what counts as a letter: bits of {@link Utf8}
 * @param contraction whether {@code (?i:'s|'t|'re|'ve|'m|'ll|'d)?} belongs to the word
 */
record CasedWord(int kinds, boolean contraction) implements Rule {
    /** Letters. */
    static CasedWord letters(boolean contraction) {
        return new CasedWord(LETTER, contraction);
    }

    /** Letters and the marks on them. */
    static CasedWord marked(boolean contraction) {
        return new CasedWord(LETTER | MARK, contraction);
    }

    @Override
    public int match(byte[] text, int from, int to) {
        int start = Rules.wordStart(text, from, to, LETTER | NUMBER);
        int end = smallEnding(text, start, to);
        if (end < 0) {
            end = smallEnding(text, from, to);
        }
        if (end < 0) {
            end = someCapitals(text, start, to);
        }
        if (end < 0) {
            end = someCapitals(text, from, to);
        }
        if (end < 0) {
            return Rule.miss(text, from);
        }
        return contraction ? Rules.contractionEnd(text, end, to, true) : end;
    }

    /** The end of {@code U*l+}, -1 if there is none. */
    private int smallEnding(byte[] text, int start, int to) {
        int capitals = capitals(text, start, to);
        int end = capitals;
        while ((Utf8.kind(text, end, to) & kinds) != 0 && !isBetween(text[end], 'A', 'Z')) {
            end = Utf8.next(text, end);
        }
        while (end == capitals && capitals > start) {
            int last = Utf8.previous(text, capitals);
            if (text[last] < 0) {
                return capitals;
            }
            capitals = last;
            end = last;
        }
        return end > start && end > capitals ? end : -1;
    }

    /** The end of {@code U+}, -1 if there is none. */
    private int someCapitals(byte[] text, int start, int to) {
        int end = capitals(text, start, to);
        return end > start ? end : -1;
    }

    /** The end of {@code U*}. */
    private int capitals(byte[] text, int start, int to) {
        int end = start;
        while ((Utf8.kind(text, end, to) & kinds) != 0 && !isBetween(text[end], 'a', 'z')) {
            end = Utf8.next(text, end);
        }
        return end;
    }

    private static boolean isBetween(byte value, char first, char last) {
        return value >= first && value <= last;
    }
}
