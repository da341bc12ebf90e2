package dev.nibble.tokenizer;

import java.nio.charset.StandardCharsets;
import java.text.Normalizer;

/**
 * Composes a text before another encoder takes it: Unicode's normalization form C, which some models were trained on.
 *
 * <p>A run of combining marks longer than {@value #MARKS} is composed in parts. No language has such runs, and ordering one takes
 * time that grows with the square of its length; the Stream-Safe Text Format ends them at 30.
 *
 * <p>Source: Unicode Standard Annex #15.
 */
final class ComposingEncoder implements Encoder {
    private static final int MARKS = 256;

    private final Encoder encoder;

    /** @param encoder gets the composed text */
    ComposingEncoder(Encoder encoder) {
        this.encoder = encoder;
    }

    @Override
    public void encode(byte[] text, int from, int to, boolean first, IntList out) {
        if (isAscii(text, from, to)) {
            encoder.encode(text, from, to, first, out);
            return;
        }
        String composed = compose(new String(text, from, to - from, StandardCharsets.UTF_8));
        byte[] bytes = composed.getBytes(StandardCharsets.UTF_8);
        encoder.encode(bytes, 0, bytes.length, first, out);
    }

    private static boolean isAscii(byte[] text, int from, int to) {
        for (int i = from; i < to; i++) {
            if (text[i] < 0) {
                return false;
            }
        }
        return true;
    }

    private static String compose(String text) {
        StringBuilder composed = new StringBuilder(text.length());
        int begin = 0;
        int marks = 0;
        for (int i = 0; i < text.length(); i += Character.charCount(text.codePointAt(i))) {
            marks = isMark(text.codePointAt(i)) ? marks + 1 : 0;
            if (marks == MARKS) {
                composed.append(Normalizer.normalize(text.substring(begin, i), Normalizer.Form.NFC));
                begin = i;
                marks = 0;
            }
        }
        return composed.append(Normalizer.normalize(text.substring(begin), Normalizer.Form.NFC))
                .toString();
    }

    private static boolean isMark(int codePoint) {
        int type = Character.getType(codePoint);
        return type == Character.NON_SPACING_MARK
                || type == Character.COMBINING_SPACING_MARK
                || type == Character.ENCLOSING_MARK;
    }
}
