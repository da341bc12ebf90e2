package dev.nibble.tokenizer;

/**
 * Reads valid UTF-8 one character at a time, and tells what kind of character it is.
 *
 * <p>Kinds are bits of the general categories that pre-tokenizer patterns speak of. White space is the Unicode property
 * White_Space, not a category: it is {@link #SPACE} and nothing else.
 */
final class Utf8 {
    /** No character: the end of the text. */
    static final int END = 0;
    /** {@code \p{L}}. */
    static final int LETTER = 1;
    /** {@code \p{N}}. */
    static final int NUMBER = 2;
    /** {@code \s} with Unicode semantics. */
    static final int SPACE = 4;
    /** {@code \p{M}}. */
    static final int MARK = 8;
    /** {@code \p{P}}. */
    static final int PUNCTUATION = 16;
    /** {@code \p{S}}. */
    static final int SYMBOL = 32;
    /** Control, format, private, unassigned. */
    static final int OTHER = 64;

    private static final int BASIC_PLANE = 0x10000;
    /** (65536): the kind of each character of the basic plane. */
    private static final byte[] KINDS = new byte[BASIC_PLANE];

    static {
        for (int i = 0; i < BASIC_PLANE; i++) {
            KINDS[i] = (byte) classify(i);
        }
    }

    private Utf8() {}

    /** The kind of the character at a position, {@link #END} at or after the end. */
    static int kind(byte[] text, int at, int end) {
        if (at >= end) {
            return END;
        }
        int lead = text[at];
        return lead >= 0 ? KINDS[lead] : kind(codePoint(text, at));
    }

    /** The kind of a code point. */
    static int kind(int codePoint) {
        return codePoint < BASIC_PLANE ? KINDS[codePoint] : classify(codePoint);
    }

    /** The code point that begins at a position. */
    static int codePoint(byte[] text, int at) {
        int lead = text[at];
        if (lead >= 0) {
            return lead;
        }
        int second = text[at + 1] & 0x3F;
        if ((lead & 0xE0) == 0xC0) {
            return (lead & 0x1F) << 6 | second;
        }
        int third = text[at + 2] & 0x3F;
        if ((lead & 0xF0) == 0xE0) {
            return (lead & 0x0F) << 12 | second << 6 | third;
        }
        return (lead & 0x07) << 18 | second << 12 | third << 6 | text[at + 3] & 0x3F;
    }

    /** The number of bytes of the character that begins with this byte. */
    static int length(byte lead) {
        if (lead >= 0) {
            return 1;
        }
        if ((lead & 0xE0) == 0xC0) {
            return 2;
        }
        return (lead & 0xF0) == 0xE0 ? 3 : 4;
    }

    /** The position after the character at {@code at}. */
    static int next(byte[] text, int at) {
        return at + length(text[at]);
    }

    /** The position before the character that ends at {@code end}. */
    static int previous(byte[] text, int end) {
        int at = end - 1;
        while ((text[at] & 0xC0) == 0x80) {
            at--;
        }
        return at;
    }

    /** Whether these bytes are well-formed UTF-8. */
    static boolean isValid(byte[] text, int from, int to) {
        int at = from;
        while (at < to) {
            int length = length(text[at]);
            if (at + length > to || !isCharacter(text, at, length)) {
                return false;
            }
            at += length;
        }
        return true;
    }

    /** The end of the run of characters of these kinds. */
    static int skip(byte[] text, int from, int to, int kinds) {
        int at = from;
        while (at < to && (kind(text, at, to) & kinds) != 0) {
            at = next(text, at);
        }
        return at;
    }

    /** The end of the run of characters of none of these kinds. */
    static int skipExcept(byte[] text, int from, int to, int kinds) {
        int at = from;
        while (at < to && (kind(text, at, to) & kinds) == 0) {
            at = next(text, at);
        }
        return at;
    }

    private static boolean isCharacter(byte[] text, int at, int length) {
        if (length == 1) {
            return true;
        }
        int lead = text[at] & 0xFF;
        for (int i = 1; i < length; i++) {
            if ((text[at + i] & 0xC0) != 0x80) {
                return false;
            }
        }
        int codePoint = codePoint(text, at);
        return switch (length) {
            case 2 -> lead >= 0xC2;
            case 3 -> codePoint >= 0x800 && (codePoint < 0xD800 || codePoint > 0xDFFF);
            default -> lead >= 0xF0 && lead <= 0xF4 && codePoint >= 0x10000 && codePoint <= 0x10FFFF;
        };
    }

    private static int classify(int codePoint) {
        if (isWhiteSpace(codePoint)) {
            return SPACE;
        }
        return switch (Character.getType(codePoint)) {
            case Character.UPPERCASE_LETTER,
                    Character.LOWERCASE_LETTER,
                    Character.TITLECASE_LETTER,
                    Character.MODIFIER_LETTER,
                    Character.OTHER_LETTER -> LETTER;
            case Character.DECIMAL_DIGIT_NUMBER, Character.LETTER_NUMBER, Character.OTHER_NUMBER -> NUMBER;
            case Character.NON_SPACING_MARK, Character.COMBINING_SPACING_MARK, Character.ENCLOSING_MARK -> MARK;
            case Character.CONNECTOR_PUNCTUATION,
                    Character.DASH_PUNCTUATION,
                    Character.START_PUNCTUATION,
                    Character.END_PUNCTUATION,
                    Character.INITIAL_QUOTE_PUNCTUATION,
                    Character.FINAL_QUOTE_PUNCTUATION,
                    Character.OTHER_PUNCTUATION -> PUNCTUATION;
            case Character.MATH_SYMBOL, Character.CURRENCY_SYMBOL, Character.MODIFIER_SYMBOL, Character.OTHER_SYMBOL ->
                SYMBOL;
            default -> OTHER;
        };
    }

    private static boolean isWhiteSpace(int c) {
        return switch (c) {
            case 0x85, 0x1680, 0x2028, 0x2029, 0x202F, 0x205F, 0x3000, ' ', 0xA0 -> true;
            default -> c >= '\t' && c <= '\r' || c >= 0x2000 && c <= 0x200A;
        };
    }
}
