package dev.nibble.tokenizer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

class TokenDecoderTest {
    /** Token 3 + b is byte b. */
    private final Tokenizer tokenizer = SmallVocabulary.sentencePiece("▁", "a").tokenizer();

    @Test
    void holdsTheBytesOfACutCharacterBack() {
        TokenDecoder decoder = tokenizer.decoder();
        assertEquals("", decoder.accept(3 + 0xF0));
        assertEquals("", decoder.accept(3 + 0x9F));
        assertEquals("", decoder.accept(3 + 0xA6));
        assertEquals("🦙", decoder.accept(3 + 0x99));
        assertEquals("a", decoder.accept(3 + 'a'));
        assertEquals("", decoder.accept(3 + 0xE2));
        assertEquals("\uFFFD", decoder.flush());
        assertEquals("", decoder.flush());
    }

    @Test
    void doesNotWaitForBytesThatCannotCome() {
        TokenDecoder decoder = tokenizer.decoder();
        assertEquals("", decoder.accept(3 + 0xE2));
        assertEquals("\uFFFDa", decoder.accept(3 + 'a'));
        assertEquals("\uFFFD", decoder.accept(3 + 0xC0));
        assertEquals("\uFFFD", decoder.accept(3 + 0xFF));
        assertEquals("", decoder.accept(3 + 0xED));
        assertEquals("", decoder.accept(3 + 0xA0));
        assertEquals("\uFFFD", decoder.accept(3 + 0x80));
    }

    @Test
    void streamsTheSameTextAsDecodingAtOnce() {
        Random random = new Random(5);
        for (int round = 0; round < 5000; round++) {
            byte[] bytes = new byte[random.nextInt(24)];
            random.nextBytes(bytes);
            if (round % 2 == 0) {
                bytes = new RandomText(round).next(6).getBytes(StandardCharsets.UTF_8);
                int cut = bytes.length == 0 ? 0 : random.nextInt(bytes.length);
                bytes = Arrays.copyOfRange(bytes, cut / 2, bytes.length - cut / 3);
            }
            TokenDecoder decoder = tokenizer.decoder();
            StringBuilder text = new StringBuilder();
            for (byte value : bytes) {
                String piece = decoder.accept(3 + (value & 0xFF));
                assertFalse(!piece.isEmpty() && Character.isHighSurrogate(piece.charAt(piece.length() - 1)));
                text.append(piece);
            }
            text.append(decoder.flush());
            assertEquals(new String(bytes, StandardCharsets.UTF_8), text.toString());
        }
    }

    @Test
    void keepsTheFirstSpaceOfAContinuation() {
        assertEquals(" ", tokenizer.decoder().accept(tokenizer.vocabulary().find("▁")));
    }

    @Test
    void writesControlTokensOnlyWhenAsked() {
        assertEquals("", tokenizer.decoder().accept(1));
        assertEquals("<s>", tokenizer.decoder(true).accept(1));
        assertEquals("<s>a</s>", tokenizer.decode(new int[] {1, 3 + 'a', 2}, true));
        assertEquals("a", tokenizer.decode(new int[] {1, 3 + 'a', 2}));
    }
}
