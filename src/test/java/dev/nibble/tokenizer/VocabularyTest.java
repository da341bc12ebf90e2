package dev.nibble.tokenizer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.nibble.InvalidModelException;
import dev.nibble.UnsupportedFeatureException;
import dev.nibble.gguf.Metadata;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** What a file may say about its vocabulary, and what it may not. */
class VocabularyTest {
    private static final String P = "tokenizer.ggml.";
    private final SmallVocabulary piece = SmallVocabulary.sentencePiece("▁", "a", "▁a");
    private final SmallVocabulary pair = SmallVocabulary.bytePair("Ġ a", "h e", "Ġa b");

    private static void assertInvalid(Metadata.Builder metadata, String key, String fault) {
        InvalidModelException invalid = assertThrows(InvalidModelException.class, () -> Tokenizer.of(metadata.build()));
        assertTrue(invalid.getMessage().contains(key), invalid.getMessage());
        assertTrue(invalid.getMessage().contains(fault), invalid.getMessage());
    }

    @Test
    void namesTheKeyOfAMissingOrBrokenTable() {
        assertInvalid(piece.metadata().remove(P + "model"), P + "model", "missing");
        assertInvalid(piece.metadata().remove(P + "tokens"), P + "tokens", "missing");
        assertInvalid(piece.metadata().strings(P + "tokens", List.of()), P + "tokens", "empty");
        assertInvalid(piece.metadata().ints(P + "tokens", 1), P + "tokens", "string");
        assertInvalid(piece.metadata().floats(P + "scores", 1, 2), P + "scores", "2 values for 262 tokens");
        assertInvalid(piece.metadata().floats(P + "scores", new float[300]), P + "scores", "300 values for 262 tokens");
        assertInvalid(piece.metadata().ints(P + "token_type", 1), P + "token_type", "1 values for 262 tokens");
        float[] scores = new float[262];
        scores[7] = Float.NaN;
        assertInvalid(piece.metadata().floats(P + "scores", scores), P + "scores", "NaN for token 7");
        int[] types = new int[262];
        types[9] = 77;
        assertInvalid(piece.metadata().ints(P + "token_type", types), P + "token_type", "77 for token 9");
        types[9] = 6;
        types[3] = 1;
        assertInvalid(
                SmallVocabulary.sentencePiece().add("byte", 6).metadata(), P + "token_type", "token 259 is a byte");
    }

    @Test
    void refusesTwoTokensWithOneText() {
        assertInvalid(piece.add("a", 1).metadata(), P + "tokens", "'a' twice, at 260 and 262");
    }

    @Test
    void refusesIdsOutsideTheVocabulary() {
        assertInvalid(piece.metadata().uint32(P + "bos_token_id", 262), P + "bos_token_id", "262");
        assertInvalid(piece.metadata().uint32(P + "fim_sep_token_id", 1L << 31), P + "fim_sep_token_id", "2147483648");
        assertInvalid(
                pair.metadata().bool(P + "add_bos_token", true).uint32(P + "bos_token_id", 0xFFFFFFFFL),
                P + "bos_token_id",
                P + "add_bos_token is true");
        assertInvalid(
                SmallVocabulary.wordPiece("▁a").metadata().uint32(P + "seperator_token_id", 0xFFFFFFFFL),
                P + "seperator_token_id",
                "missing, and a prompt needs this token");
    }

    @Test
    void refusesMergesOfUnknownTokens() {
        assertInvalid(pair.metadata().remove(P + "merges"), P + "merges", "missing");
        assertInvalid(
                pair.metadata().strings(P + "merges", List.of("h e", "he")),
                P + "merges",
                "value 1 ('he') has no blank");
        assertInvalid(
                pair.metadata().strings(P + "merges", List.of("xx e")), P + "merges", "('xx e') has a left token");
        assertInvalid(
                pair.metadata().strings(P + "merges", List.of("e xx")), P + "merges", "('e xx') has a right token");
        assertInvalid(pair.metadata().strings(P + "merges", List.of("e ")), P + "merges", "('e ') has a right token");
        assertInvalid(pair.metadata().strings(P + "merges", List.of(" e")), P + "merges", "(' e') has no blank");
        assertInvalid(pair.metadata().strings(P + "merges", List.of("e h")), P + "merges", "('e h') makes a token");
        assertInvalid(pair.metadata().strings(P + "merges", List.of("h 日")), P + "merges", "right token");
    }

    @Test
    void refusesUnknownKindsByName() {
        for (String model : List.of("t5", "rwkv", "none")) {
            UnsupportedFeatureException refused = assertThrows(
                    UnsupportedFeatureException.class,
                    () -> Tokenizer.of(
                            piece.metadata().string(P + "model", model).build()));
            assertTrue(refused.getMessage().contains("'" + model + "'"), refused.getMessage());
            assertTrue(refused.getMessage().contains("llama, gpt2, gemma4, bert"), refused.getMessage());
        }
        UnsupportedFeatureException refused = assertThrows(
                UnsupportedFeatureException.class,
                () -> Tokenizer.of(pair.metadata().string(P + "pre", "klingon").build()));
        assertTrue(refused.getMessage().contains("'klingon'"), refused.getMessage());
    }

    @Test
    void survivesAnyRandomDamage() {
        Random random = new Random(17);
        List<String> keys = new ArrayList<>(pair.metadata().build().keys());
        for (int round = 0; round < 3000; round++) {
            SmallVocabulary small = round % 2 == 0 ? piece : pair;
            Metadata.Builder builder = small.metadata();
            for (int i = 0; i <= random.nextInt(3); i++) {
                damage(builder, keys.get(random.nextInt(keys.size())), random);
            }
            try {
                Tokenizer tokenizer = Tokenizer.of(builder.build());
                tokenizer.decode(tokenizer.encode("he a</s>é" + round));
            } catch (InvalidModelException | UnsupportedFeatureException expected) {
                assertTrue(expected.getMessage().contains(P), expected.getMessage());
            }
        }
    }

    private static void damage(Metadata.Builder builder, String key, Random random) {
        switch (random.nextInt(6)) {
            case 0 -> builder.remove(key);
            case 1 -> builder.string(key, random.nextBoolean() ? "" : "gpt2");
            case 2 -> builder.ints(key, random.ints(random.nextInt(270), -1, 8).toArray());
            case 3 -> builder.floats(key, new float[random.nextInt(270)]);
            case 4 -> builder.uint32(key, random.nextInt(300));
            default ->
                builder.strings(
                        key,
                        random.ints(random.nextInt(270), 0, 999)
                                .mapToObj(i -> "<0x" + i + " " + i)
                                .toList());
        }
    }

    @Test
    void knowsTheSpecialTokensByKeyOrByName() {
        Vocabulary vocabulary = piece.add("<|im_end|>", 1)
                .add("<|fim_pad|>", 3)
                .add("<|channel|>", 3)
                .tokenizer()
                .vocabulary();
        assertEquals(265, vocabulary.size());
        assertEquals(1, vocabulary.bos());
        assertEquals(2, vocabulary.eos());
        assertEquals(262, vocabulary.eot());
        assertEquals(0, vocabulary.id(SpecialToken.UNKNOWN));
        assertEquals(Vocabulary.NONE, vocabulary.id(SpecialToken.MASK));
        assertEquals(TokenKind.CONTROL, vocabulary.kind(262), "a control token by its name");
        assertEquals(TokenKind.USER_DEFINED, vocabulary.kind(264), "shown by its name");
        assertEquals(TokenKind.BYTE, vocabulary.kind(3));
        assertEquals("▁a", vocabulary.text(261));
        assertEquals(-262, vocabulary.score(261));
        List<Integer> ends = new ArrayList<>();
        for (int id = 0; id < vocabulary.size(); id++) {
            if (vocabulary.isEndOfGeneration(id)) {
                ends.add(id);
            }
        }
        assertEquals(List.of(2, 262, 263), ends);
        assertThrows(IllegalArgumentException.class, () -> vocabulary.kind(265));
        assertThrows(IllegalArgumentException.class, () -> vocabulary.isEndOfGeneration(-1));
    }

    @Test
    void doesNotEndAtTheEndOfAMessageOfHarmony() {
        SmallVocabulary harmony = pair.add("<|end|>", 3).add("<|return|>", 3).add("<|call|>", 3);
        Vocabulary vocabulary = Tokenizer.of(harmony.metadata()
                        .uint32(P + "eos_token_id", harmony.id("<|return|>"))
                        .uint32(P + "eot_token_id", harmony.id("<|return|>"))
                        .build())
                .vocabulary();
        assertFalse(vocabulary.isEndOfGeneration(harmony.id("<|end|>")));
        assertTrue(vocabulary.isEndOfGeneration(harmony.id("<|return|>")));
        assertTrue(vocabulary.isEndOfGeneration(harmony.id("<|call|>")));
    }

    @Test
    void addsWhatTheModelWants() {
        SmallVocabulary named = SmallVocabulary.bytePair().add("<b>", 3).add("<e>", 3);
        Metadata.Builder metadata =
                named.metadata().uint32(P + "bos_token_id", 256).uint32(P + "eos_token_id", 257);
        int x = named.id("x");
        assertArrayEquals(new int[] {x}, Tokenizer.of(metadata.build()).encode("x"));
        metadata.bool(P + "add_eos_token", true);
        assertArrayEquals(new int[] {x, 257}, Tokenizer.of(metadata.build()).encode("x"));
        metadata.string(P + "pre", "llama-bpe");
        assertArrayEquals(
                new int[] {256, x, 257}, Tokenizer.of(metadata.build()).encode("x"));
        metadata.bool(P + "add_bos_token", false);
        assertArrayEquals(new int[] {x, 257}, Tokenizer.of(metadata.build()).encode("x"));
        assertArrayEquals(new int[] {x}, Tokenizer.of(metadata.build()).encodePlain("x"));
        assertArrayEquals(new int[] {1}, piece.tokenizer().encode(""));
        assertArrayEquals(new int[0], piece.tokenizer().encodePlain(""));
    }

    @Test
    void namesEmptyTokens() {
        List<String> tokens = new ArrayList<>(Collections.nCopies(3, ""));
        tokens.set(0, "<unk>");
        tokens.set(2, "x");
        Vocabulary vocabulary = Tokenizer.of(Metadata.builder()
                        .string(P + "model", "llama")
                        .strings(P + "tokens", tokens)
                        .build())
                .vocabulary();
        assertEquals("[EMPTY_1]", vocabulary.text(1));
        assertEquals(0, vocabulary.score(2));
        assertEquals(TokenKind.NORMAL, vocabulary.kind(2));
    }
}
