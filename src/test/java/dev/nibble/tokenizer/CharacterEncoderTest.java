package dev.nibble.tokenizer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.nibble.gguf.Metadata;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CharacterEncoderTest {
    @ParameterizedTest
    @ValueSource(strings = {"tokenizers/llama-spm.gguf", "models/tiny-q8_0.gguf"})
    void encodesAsTheTextbookDoes(String file) {
        Tokenizer tokenizer = GoldenTokenizers.at(file);
        RandomText texts = new RandomText(3);
        for (int i = 0; i < 1000; i++) {
            String text = texts.next(i % 30).replace("<", "(");
            assertEquals(textbook(tokenizer.vocabulary(), text), ids(tokenizer.encodePlain(text)), text);
        }
    }

    /** The whole text at once, looking at all pairs for the best one again and again. */
    private static List<Integer> textbook(Vocabulary vocabulary, String text) {
        if (text.isEmpty()) {
            return List.of();
        }
        List<String> symbols = new ArrayList<>();
        ((vocabulary.addsSpacePrefix() ? " " : "") + text)
                .replace(' ', '▁')
                .codePoints()
                .forEach(codePoint -> symbols.add(Character.toString(codePoint)));
        for (int place = best(vocabulary, symbols); place >= 0; place = best(vocabulary, symbols)) {
            symbols.set(place, symbols.get(place) + symbols.remove(place + 1));
        }
        List<Integer> ids = new ArrayList<>();
        for (String symbol : symbols) {
            int id = vocabulary.find(symbol);
            if (id >= 0) {
                ids.add(id);
                continue;
            }
            for (byte value : symbol.getBytes(StandardCharsets.UTF_8)) {
                ids.add(vocabulary.find(String.format("<0x%02X>", value)));
            }
        }
        return ids;
    }

    private static int best(Vocabulary vocabulary, List<String> symbols) {
        int place = -1;
        float score = 0;
        for (int i = 0; i + 1 < symbols.size(); i++) {
            int id = vocabulary.find(symbols.get(i) + symbols.get(i + 1));
            if (id >= 0 && (place < 0 || vocabulary.score(id) > score)) {
                place = i;
                score = vocabulary.score(id);
            }
        }
        return place;
    }

    private static List<Integer> ids(int[] ids) {
        List<Integer> list = new ArrayList<>();
        for (int id : ids) {
            list.add(id);
        }
        return list;
    }

    @Test
    void putsASpaceBeforeTheTextAndAfterSpecialTokens() {
        SmallVocabulary small = SmallVocabulary.sentencePiece("▁", "a", "▁a");
        Tokenizer tokenizer = small.tokenizer();
        int word = small.id("▁a");
        assertArrayEquals(new int[] {1, word, 2, word, 2}, tokenizer.encode("a</s>a</s>"));
        assertEquals("aa", tokenizer.decode(new int[] {1, word, small.id("a")}));
        assertEquals("a a", tokenizer.decode(new int[] {1, word, 2, word}));
    }

    @Test
    void leavesTheSpaceAwayWhereTheModelSaysSo() {
        SmallVocabulary small = SmallVocabulary.sentencePiece("▁", "a", "▁a");
        Tokenizer tokenizer = Tokenizer.of(
                small.metadata().bool("tokenizer.ggml.add_space_prefix", false).build());
        assertArrayEquals(new int[] {1, small.id("a"), small.id("▁a")}, tokenizer.encode("a a"));
        assertEquals(" a", tokenizer.decode(new int[] {small.id("▁a")}));
    }

    @Test
    void writesWhatItDoesNotKnowAsBytes() {
        SmallVocabulary small = SmallVocabulary.sentencePiece("▁", "a");
        Tokenizer tokenizer = small.tokenizer();
        int[] ids = tokenizer.encodePlain("aé");
        assertArrayEquals(new int[] {small.id("▁"), small.id("a"), 3 + 0xC3, 3 + 0xA9}, ids);
        assertEquals("aé", tokenizer.decode(ids));
    }

    @Test
    void writesUnknownBytesAsTheUnknownToken() {
        SmallVocabulary bare = SmallVocabulary.sentencePiece("a");
        Tokenizer tokenizer = Tokenizer.of(bare.metadata()
                .strings("tokenizer.ggml.tokens", List.of("<unk>", "<s>", "</s>", "a"))
                .ints("tokenizer.ggml.token_type", 2, 3, 3, 1)
                .floats("tokenizer.ggml.scores", 0, 0, 0, 0)
                .bool("tokenizer.ggml.add_space_prefix", false)
                .build());
        assertArrayEquals(new int[] {3, 0, 3}, tokenizer.encodePlain("aba"));
    }

    @Test
    void mergesCharactersByRankWhereTheModelSaysSo() {
        List<String> tokens =
                new ArrayList<>(List.of("<pad>", "<bos>", "<eos>", "a", "b", "▁", "\n", "ab", "▁a", "\n\n", "▁ab"));
        for (int value = 0; value < 256; value++) {
            tokens.add(String.format("<0x%02X>", value));
        }
        int[] types = new int[tokens.size()];
        Arrays.fill(types, 0, 11, 1);
        Arrays.fill(types, 11, types.length, 6);
        Arrays.fill(types, 0, 3, 3);
        Metadata.Builder metadata = Metadata.builder()
                .string("tokenizer.ggml.model", "gemma4")
                .strings("tokenizer.ggml.tokens", tokens)
                .ints("tokenizer.ggml.token_type", types)
                .strings("tokenizer.ggml.merges", List.of("▁ a", "a b", "▁a b"))
                .bool("tokenizer.ggml.add_bos_token", false)
                .uint32("tokenizer.ggml.bos_token_id", 1);
        Tokenizer tokenizer = Tokenizer.of(metadata.build());
        assertEquals(VocabularyScheme.CHARACTER_PAIR, tokenizer.vocabulary().scheme());
        assertArrayEquals(new int[] {1, 7, 10, 8, 3}, tokenizer.encode("ab ab aa"));
        assertArrayEquals(new int[] {9, 3, 6, 4}, tokenizer.encodePlain("\n\na\nb"), "newlines are one token");
        int[] llama = tokenizer.encodePlain("b 🦙");
        assertArrayEquals(new int[] {4, 5, 11 + 0xF0, 11 + 0x9F, 11 + 0xA6, 11 + 0x99}, llama);
        assertEquals("b 🦙", tokenizer.decode(llama));
        metadata.string("tokenizer.ggml.model", "gpt2").string("tokenizer.ggml.pre", "sarvam-moe");
        assertArrayEquals(new int[] {7, 10}, Tokenizer.of(metadata.build()).encode("ab ab"));
    }
}
