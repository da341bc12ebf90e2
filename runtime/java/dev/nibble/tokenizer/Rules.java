package dev.nibble.tokenizer;

import static dev.nibble.tokenizer.Utf8.LETTER;
import static dev.nibble.tokenizer.Utf8.MARK;
import static dev.nibble.tokenizer.Utf8.NUMBER;
import static dev.nibble.tokenizer.Utf8.SPACE;

/** The alternatives of which public pre-tokenizer patterns are made. The Javadoc of each gives its regular expression. */
final class Rules {
    private Rules() {}

    /** {@code 's|'t|'re|'ve|'m|'ll|'d}, in any case of letters or in lower case only. */
    static Rule contraction(boolean anyCase) {
        return (text, from, to) -> {
            int end = contractionEnd(text, from, to, anyCase);
            return end > from ? end : Rule.miss(text, from);
        };
    }

    /** The end of {@code (?:'s|'t|'re|'ve|'m|'ll|'d)?} at a position. */
    static int contractionEnd(byte[] text, int from, int to, boolean anyCase) {
        if (from + 1 >= to || text[from] != '\'') {
            return from;
        }
        int fold = anyCase ? 0x20 : 0;
        int first = text[from + 1] | fold;
        if (first == 's' || first == 't' || first == 'm' || first == 'd') {
            return from + 2;
        }
        int second = from + 2 < to ? text[from + 2] | fold : 0;
        boolean pair = (first == 'r' || first == 'v') && second == 'e' || first == 'l' && second == 'l';
        return pair ? from + 3 : from;
    }

    /** {@code  ?[kinds]+} with a blank before. */
    static Rule spaced(int kinds) {
        return (text, from, to) -> {
            int start = text[from] == ' ' ? from + 1 : from;
            int end = Utf8.skip(text, start, to, kinds);
            return end > start ? end : Rule.miss(text, from);
        };
    }

    /** {@code  ?[kinds]+[tail]*} with a blank before. */
    static Rule spaced(int kinds, String tail) {
        Rule body = spaced(kinds);
        return (text, from, to) -> {
            int end = body.match(text, from, to);
            return end < 0 ? end : skipAscii(text, end, to, tail);
        };
    }

    /** {@code  ?[^kinds]+[tail]*} with a blank before. */
    static Rule spacedExcept(int kinds, String tail) {
        return (text, from, to) -> {
            int start = text[from] == ' ' ? from + 1 : from;
            int end = Utf8.skipExcept(text, start, to, kinds);
            return end > start ? skipAscii(text, end, to, tail) : Rule.miss(text, from);
        };
    }

    /** {@code  ?[^kinds]+[tail]?} with a blank before. */
    static Rule spacedExceptOnce(int kinds, String tail) {
        Rule body = spacedExcept(kinds, "");
        return (text, from, to) -> {
            int end = body.match(text, from, to);
            return end >= 0 && end < to && tail.indexOf(text[end]) >= 0 ? end + 1 : end;
        };
    }

    /** {@code [^\r\n<not>]?[kinds]+}: a word with at most one character of another kind before it. */
    static Rule word(int not, int kinds) {
        return (text, from, to) -> {
            int start = wordStart(text, from, to, not);
            int end = Utf8.skip(text, start, to, kinds);
            if (end == start) {
                start = from;
                end = Utf8.skip(text, start, to, kinds);
            }
            return end > start ? end : Rule.miss(text, from);
        };
    }

    /** The end of {@code [^\r\n<not>]?} at a position. */
    static int wordStart(byte[] text, int from, int to, int not) {
        byte lead = text[from];
        if (lead == '\r' || lead == '\n' || (Utf8.kind(text, from, to) & not) != 0) {
            return from;
        }
        return Utf8.next(text, from);
    }

    /** {@code [^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?}. */
    static Rule wordWithContraction() {
        Rule word = word(LETTER | NUMBER, LETTER | MARK);
        return (text, from, to) -> {
            int end = word.match(text, from, to);
            return end < 0 ? end : contractionEnd(text, end, to, true);
        };
    }

    /** {@code [!-/:-@\[-`{-~][A-Za-z]+}: ASCII letters after ASCII punctuation or symbol. */
    static Rule punctuatedWord() {
        return (text, from, to) -> {
            byte lead = text[from];
            if (lead <= ' ' || lead == 0x7F || isAsciiLetter(lead) || lead >= '0' && lead <= '9') {
                return Rule.miss(text, from);
            }
            int end = from + 1;
            while (end < to && isAsciiLetter(text[end])) {
                end++;
            }
            return end > from + 1 ? end : Rule.miss(text, from);
        };
    }

    /** {@code [set]{least,most}}. */
    static Rule run(int least, int most, CodePointSet set) {
        return new Run(least, most, set, false);
    }

    /** {@code [set]+}. */
    static Rule run(CodePointSet set) {
        return new Run(1, Integer.MAX_VALUE, set, false);
    }

    /** {@code \s?[set]+}. */
    static Rule runAfterSpace(CodePointSet set) {
        return new Run(1, Integer.MAX_VALUE, set, true);
    }

    /** {@code \p{N}{1,most}}. */
    static Rule digits(int most) {
        return new Run(1, most, new CodePointSet(NUMBER), false);
    }

    /** {@code \s*[\r\n]+}, which is as long as {@code \s*[\r\n]}. */
    static Rule newlines() {
        return (text, from, to) -> {
            int end = -1;
            int at = from;
            while (Utf8.kind(text, at, to) == SPACE) {
                byte lead = text[at];
                at = Utf8.next(text, at);
                end = lead == '\r' || lead == '\n' ? at : end;
            }
            return end < 0 ? Rule.miss(text, from) : end;
        };
    }

    /** {@code \s+(?!\S)|\s+}: white space, all but the last character of it where a word follows. */
    static Rule spaces() {
        return (text, from, to) -> {
            int end = Utf8.skip(text, from, to, SPACE);
            if (end == from) {
                return Rule.miss(text, from);
            }
            if (end == to) {
                return end;
            }
            int last = Utf8.previous(text, end);
            return last > from ? last : end;
        };
    }

    /** {@code \s+$}: white space at the end of the fragment. */
    static Rule spacesAtEnd() {
        return (text, from, to) -> {
            int end = Utf8.skip(text, from, to, SPACE);
            if (end == to) {
                return end;
            }
            return end > from ? ~end : Rule.miss(text, from);
        };
    }

    static boolean isAsciiLetter(int c) {
        return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z';
    }

    private static int skipAscii(byte[] text, int from, int to, String set) {
        int at = from;
        while (at < to && set.indexOf(text[at]) >= 0) {
            at++;
        }
        return at;
    }
}
