package dev.nibble.tokenizer;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * Turns a stream of tokens into text. A token may end in the middle of a character: the bytes of a cut character are held
 * back until the rest of it comes. Bytes that are no UTF-8 become U+FFFD. Not thread-safe: one decoder for each stream.
 */
public final class TokenDecoder {
    private final Tokenizer tokenizer;
    private final boolean showControl;
    private boolean stripSpace;
    /** The bytes of a cut character, at the front. */
    private byte[] pending = new byte[64];

    private int length;

    /**
     * @param showControl whether control tokens are written by their names
     * @param stripSpace whether the space before the first word is the tokenizer's own
     */
    TokenDecoder(Tokenizer tokenizer, boolean showControl, boolean stripSpace) {
        this.tokenizer = tokenizer;
        this.showControl = showControl;
        this.stripSpace = stripSpace;
    }

    /** Takes a token; returns the characters that are complete now, perhaps none. */
    public String accept(int id) {
        append(tokenizer.output(id, showControl));
        int complete = completeLength(pending, length);
        String text = new String(pending, 0, complete, StandardCharsets.UTF_8);
        System.arraycopy(pending, complete, pending, 0, length - complete);
        length -= complete;
        return text;
    }

    /** Ends the stream; returns what was held back, each broken character as U+FFFD. */
    public String flush() {
        String text = new String(pending, 0, length, StandardCharsets.UTF_8);
        length = 0;
        return text;
    }

    private void append(byte[] bytes) {
        int from = stripSpace && bytes.length > 0 && bytes[0] == ' ' ? 1 : 0;
        stripSpace &= bytes.length == 0;
        int more = bytes.length - from;
        if (length + more > pending.length) {
            pending = Arrays.copyOf(pending, Math.max(length + more, 2 * pending.length));
        }
        System.arraycopy(bytes, from, pending, length, more);
        length += more;
    }

    /** The number of bytes before a character at the end that is well-formed so far but cut. */
    static int completeLength(byte[] bytes, int length) {
        for (int lead = length - 1; lead >= Math.max(0, length - 3); lead--) {
            int value = bytes[lead] & 0xFF;
            if (value < 0x80) {
                return length;
            }
            if (value >= 0xC0) {
                return isCut(bytes, lead, length) ? lead : length;
            }
        }
        return length;
    }

    /** Agrees with Java's decoder, which reads an encoded surrogate as one broken character of three bytes. */
    private static boolean isCut(byte[] bytes, int lead, int length) {
        int value = bytes[lead] & 0xFF;
        int wanted = value < 0xE0 ? 2 : value < 0xF0 ? 3 : 4;
        if (value < 0xC2 || value > 0xF4 || length - lead >= wanted) {
            return false;
        }
        if (length - lead == 1) {
            return true;
        }
        int second = bytes[lead + 1] & 0xFF;
        return switch (value) {
            case 0xE0 -> second >= 0xA0;
            case 0xF0 -> second >= 0x90;
            case 0xF4 -> second <= 0x8F;
            default -> true;
        };
    }
}
