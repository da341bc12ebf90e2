package dev.nibble.tokenizer;

import java.util.Arrays;

/**
 * The alphabet of byte-level byte-pair encoding: each byte is written as a printable character, so that tokens are strings
 * whatever bytes they hold. Bytes that are printable in Latin-1 stand for themselves, the others for U+0100 on.
 *
 * <p>Source: Radford et al., "Language Models are Unsupervised Multitask Learners", 2019, the encoder published with it.
 */
final class ByteAlphabet {
    /** (324): the byte of each character, -1 if the character is not of the alphabet. */
    private static final short[] BYTES = new short[256 + 68];

    static {
        Arrays.fill(BYTES, (short) -1);
        int other = 256;
        for (int value = 0; value < 256; value++) {
            boolean printable =
                    value >= '!' && value <= '~' || value >= 0xA1 && value <= 0xAC || value >= 0xAE && value <= 0xFF;
            BYTES[printable ? value : other++] = (short) value;
        }
    }

    private ByteAlphabet() {}

    /**
     * Decodes text in this alphabet.
     *
     * @param text UTF-8
     * @param out gets the bytes
     * @param start the index of the first
     * @return the index after the last, -1 if a character is not of the alphabet
     */
    static int decode(byte[] text, int from, int to, byte[] out, int start) {
        int end = start;
        int at = from;
        while (at < to) {
            int character = text[at++];
            if (character < 0) {
                if ((character & 0xE0) != 0xC0 || at == to) {
                    return -1;
                }
                character = (character & 0x1F) << 6 | text[at++] & 0x3F;
            }
            int value = character < BYTES.length ? BYTES[character] : -1;
            if (value < 0) {
                return -1;
            }
            out[end++] = (byte) value;
        }
        return end;
    }
}
