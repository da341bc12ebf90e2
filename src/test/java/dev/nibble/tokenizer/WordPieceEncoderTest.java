package dev.nibble.tokenizer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

class WordPieceEncoderTest {
    private final SmallVocabulary small =
            SmallVocabulary.wordPiece("▁un", "aff", "able", "▁a", "▁!", "▁$", "▁日", "b", "▁A", "▁é");

    private int[] ids(String... tokens) {
        int[] ids = new int[tokens.length];
        for (int i = 0; i < ids.length; i++) {
            ids[i] = small.id(tokens[i]);
        }
        return ids;
    }

    @Test
    void takesTheLongestPiecesFromTheLeft() {
        Tokenizer tokenizer = small.tokenizer();
        assertArrayEquals(ids("[CLS]", "▁un", "aff", "able", "[SEP]"), tokenizer.encode("unaffable"));
        assertArrayEquals(ids("▁a", "[UNK]", "▁a", "b"), tokenizer.encodePlain("a unaffably ab"));
        assertEquals("unaffable a", tokenizer.decode(tokenizer.encode("unaffable a")));
        assertEquals("[CLS] a[SEP]", tokenizer.decode(tokenizer.encode("a"), true));
    }

    @Test
    void normalisesAndCutsWords() {
        Tokenizer tokenizer = small.tokenizer();
        assertArrayEquals(ids("▁a", "▁!", "▁!", "▁a"), tokenizer.encodePlain(" Á!!\t\u0000A\u00AD\uFFFD\n"));
        assertArrayEquals(ids("▁a", "▁$", "▁a", "▁日", "▁日", "▁a"), tokenizer.encodePlain("a$a日日a"));
        assertArrayEquals(ids("[SEP]", "▁a"), tokenizer.encode("[SEP]a", new EncodeOptions(false, true)));
    }

    @Test
    void keepsCaseAndAccentsWhereTheFileSaysSo() {
        String key = "tokenizer.ggml.normalizer.";
        Tokenizer cased =
                Tokenizer.of(small.metadata().bool(key + "lowercase", false).build());
        assertArrayEquals(ids("▁A", "▁é", "▁a"), cased.encodePlain("A é a"));
        Tokenizer accents =
                Tokenizer.of(small.metadata().bool(key + "strip_accents", false).build());
        assertArrayEquals(ids("▁a", "▁é", "▁é"), accents.encodePlain("A É é"));
    }

    @Test
    void dropsMarksThatStandAloneOnlyWhereTheFileSaysSo() {
        String decomposed = "a\u0301";
        assertArrayEquals(ids("[UNK]"), small.tokenizer().encodePlain(decomposed));
        Tokenizer strip = Tokenizer.of(small.metadata()
                .bool("tokenizer.ggml.normalizer.strip_accents", true)
                .build());
        assertArrayEquals(ids("▁a"), strip.encodePlain(decomposed));
    }
}
