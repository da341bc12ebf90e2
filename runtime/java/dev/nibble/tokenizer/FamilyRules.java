package dev.nibble.tokenizer;

import static dev.nibble.tokenizer.Utf8.LETTER;
import static dev.nibble.tokenizer.Utf8.MARK;
import static dev.nibble.tokenizer.Utf8.NUMBER;
import static dev.nibble.tokenizer.Utf8.SPACE;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** The alternatives that one family of models alone uses. The Javadoc of each gives its regular expression. */
final class FamilyRules {
    private static final byte[] SENTINEL = "<sentinel:".getBytes(StandardCharsets.US_ASCII);
    private static final byte[] IMAGE = "IMGIMG".getBytes(StandardCharsets.US_ASCII);
    private static final int IMAGE_LETTERS = 4;

    private FamilyRules() {}

    /** {@code \s{most}(?!\S)|…|\s{4}(?!\S)|\s{1,2}(?!\S)|\s} for powers of two. Jais 2. */
    static Rule spacesByPowersOfTwo(int most) {
        return (text, from, to) -> {
            int count = 0;
            int end = from;
            while (count <= most && Utf8.kind(text, end, to) == SPACE) {
                end = Utf8.next(text, end);
                count++;
            }
            if (count == 0) {
                return Rule.miss(text, from);
            }
            boolean wordFollows = count <= most && end < to;
            int free = wordFollows ? Math.max(1, count - 1) : count;
            int taken = Integer.highestOneBit(Math.min(free, most));
            int at = from;
            for (int i = 0; i < taken; i++) {
                at = Utf8.next(text, at);
            }
            return at;
        };
    }

    /** {@code [^\r\n\p{L}\p{N}]?(?:\p{L}\p{M}*(?: \p{L}\p{M}*)*)+}. EXAONE MoE. */
    static Rule phrase() {
        return (text, from, to) -> {
            int start = Rules.wordStart(text, from, to, LETTER | NUMBER);
            int end = start;
            int letter = start;
            while (Utf8.kind(text, letter, to) == LETTER) {
                end = Utf8.skip(text, Utf8.next(text, letter), to, MARK);
                letter = end < to && text[end] == ' ' ? end + 1 : end;
            }
            return end > start ? end : Rule.miss(text, from);
        };
    }

    /** {@code [^\r\n\p{L}\p{N}]?[\p{L}&&[^set]]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?}. Kimi K2. */
    static Rule wordExcept(CodePointSet set) {
        return (text, from, to) -> {
            int start = Rules.wordStart(text, from, to, LETTER | NUMBER);
            int end = start;
            while (Utf8.kind(text, end, to) == LETTER && !set.contains(text, end, to)) {
                end = Utf8.next(text, end);
            }
            return end > start ? Rules.contractionEnd(text, end, to, true) : Rule.miss(text, from);
        };
    }

    /** {@code  ?[^set]+} with a blank before. BLOOM. */
    static Rule spacedExcept(CodePointSet set) {
        return (text, from, to) -> {
            int start = text[from] == ' ' ? from + 1 : from;
            int end = start;
            while (end < to && !set.contains(text, end, to)) {
                end = Utf8.next(text, end);
            }
            return end > start ? end : Rule.miss(text, from);
        };
    }

    /** {@code <sentinel:[0-9]+>}. Chameleon. */
    static Rule sentinel() {
        return (text, from, to) -> {
            if (!startsWith(text, from, to, SENTINEL)) {
                return Rule.miss(text, from);
            }
            int first = from + SENTINEL.length;
            int end = first;
            while (end < to && text[end] >= '0' && text[end] <= '9') {
                end++;
            }
            return end > first && end < to && text[end] == '>' ? end + 1 : Rule.miss(text, from);
        };
    }

    /** {@code IMGIMG[A-I]{1,4}Z}. Chameleon. */
    static Rule imageToken() {
        return (text, from, to) -> {
            if (!startsWith(text, from, to, IMAGE)) {
                return Rule.miss(text, from);
            }
            int first = from + IMAGE.length;
            int end = first;
            while (end < to && end - first < IMAGE_LETTERS && text[end] >= 'A' && text[end] <= 'I') {
                end++;
            }
            return end > first && end < to && text[end] == 'Z' ? end + 1 : Rule.miss(text, from);
        };
    }

    /** {@code [\t\n]|    |  }: a tab, a newline, four blanks or two. Chameleon. */
    static Rule indent() {
        return (text, from, to) -> {
            byte lead = text[from];
            if (lead == '\t' || lead == '\n') {
                return from + 1;
            }
            int end = from;
            while (end < to && end - from < 4 && text[end] == ' ') {
                end++;
            }
            return end - from < 2 ? Rule.miss(text, from) : from + (end - from & ~1);
        };
    }

    private static boolean startsWith(byte[] text, int from, int to, byte[] prefix) {
        return to - from >= prefix.length && Arrays.equals(text, from, from + prefix.length, prefix, 0, prefix.length);
    }
}
