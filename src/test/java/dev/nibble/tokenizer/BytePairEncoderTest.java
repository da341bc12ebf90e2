package dev.nibble.tokenizer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Needs no golden data: vocabularies with random merges, against merging strings pair by pair. */
class BytePairEncoderTest {
    private static final String ALPHABET = alphabet();

    /** The 256 characters of the byte alphabet, by byte. */
    private static String alphabet() {
        StringBuilder characters = new StringBuilder();
        int other = 256;
        for (int value = 0; value < 256; value++) {
            boolean printable =
                    value >= '!' && value <= '~' || value >= 0xA1 && value <= 0xAC || value >= 0xAE && value <= 0xFF;
            characters.append((char) (printable ? value : other++));
        }
        return characters.toString();
    }

    private static String written(byte[] bytes) {
        StringBuilder text = new StringBuilder();
        for (byte value : bytes) {
            text.append(ALPHABET.charAt(value & 0xFF));
        }
        return text.toString();
    }

    /** Merges of pieces of random texts, so that they do occur. */
    private static List<String> randomMerges(Random random, int count) {
        List<String> merges = new ArrayList<>();
        RandomText texts = new RandomText(random.nextLong());
        while (merges.size() < count) {
            String text = written(texts.next(20).getBytes(StandardCharsets.UTF_8));
            List<String> symbols = new ArrayList<>();
            text.chars().forEach(c -> symbols.add(Character.toString(c)));
            merge(merges, symbols);
            if (symbols.size() < 2) {
                continue;
            }
            int place = random.nextInt(symbols.size() - 1);
            String merge = symbols.get(place) + " " + symbols.get(place + 1);
            String merged = merge.replace(" ", "");
            if (!merges.contains(merge) && merged.length() < 20) {
                merges.add(merge);
            }
        }
        return merges;
    }

    /** Merges the pair of lowest rank, the leftmost of equals, until there is none. */
    private static void merge(List<String> merges, List<String> symbols) {
        while (true) {
            int best = merges.size();
            int place = -1;
            for (int i = 0; i + 1 < symbols.size(); i++) {
                int rank = merges.indexOf(symbols.get(i) + " " + symbols.get(i + 1));
                if (rank >= 0 && rank < best) {
                    best = rank;
                    place = i;
                }
            }
            if (place < 0) {
                return;
            }
            symbols.set(place, symbols.get(place) + symbols.remove(place + 1));
        }
    }

    @Test
    void encodesAsTheTextbookDoes() {
        for (int seed = 0; seed < 4; seed++) {
            List<String> merges = randomMerges(new Random(seed), 120);
            SmallVocabulary small = SmallVocabulary.bytePair(merges.toArray(String[]::new));
            for (PreTokenizer row : List.of(PreTokenizer.GPT2, PreTokenizer.DEEPSEEK3, PreTokenizer.TEKKEN)) {
                String name =
                        row == PreTokenizer.GPT2 ? "gpt-2" : row == PreTokenizer.TEKKEN ? "tekken" : "deepseek-v3";
                Tokenizer tokenizer = Tokenizer.of(
                        small.metadata().string("tokenizer.ggml.pre", name).build());
                RandomText texts = new RandomText(seed);
                for (int i = 0; i < 300; i++) {
                    String text = texts.next(i % 20);
                    assertEquals(textbook(small, merges, row, text), texts(tokenizer, text), text);
                    assertEquals(text, tokenizer.decode(tokenizer.encodePlain(text)));
                }
            }
        }
    }

    private static List<String> textbook(SmallVocabulary small, List<String> merges, PreTokenizer row, String text) {
        List<String> tokens = new ArrayList<>();
        for (String word : PublishedPatterns.of(row).split(text)) {
            String written = written(word.getBytes(StandardCharsets.UTF_8));
            if (row.ignoresMerges() && small.id(written) >= 0) {
                tokens.add(written);
                continue;
            }
            List<String> symbols = new ArrayList<>();
            written.chars().forEach(c -> symbols.add(Character.toString(c)));
            merge(merges, symbols);
            tokens.addAll(symbols);
        }
        return tokens;
    }

    private static List<String> texts(Tokenizer tokenizer, String text) {
        List<String> tokens = new ArrayList<>();
        for (int id : tokenizer.encodePlain(text)) {
            tokens.add(tokenizer.vocabulary().text(id));
        }
        return tokens;
    }

    @Test
    void aWordThatIsATokenIsThatTokenWhereTheModelSaysSo() {
        SmallVocabulary small = SmallVocabulary.bytePair("a b", "c d").add("abcd", 1);
        int[] merged = {small.id("ab"), small.id("cd")};
        assertArrayEquals(merged, small.tokenizer().encodePlain("abcd"));
        Tokenizer ignoring = Tokenizer.of(small.metadata()
                .string("tokenizer.ggml.pre", "llama-bpe")
                .uint32("tokenizer.ggml.bos_token_id", 0)
                .build());
        assertArrayEquals(new int[] {small.id("abcd")}, ignoring.encodePlain("abcd"));
    }

    @Test
    void aMissingOrEmptyNameIsTheDefault() {
        SmallVocabulary small = SmallVocabulary.bytePair("1 2", "12 3");
        String key = "tokenizer.ggml.pre";
        Tokenizer missing = Tokenizer.of(small.metadata().remove(key).build());
        Tokenizer empty = Tokenizer.of(small.metadata().string(key, "").build());
        assertArrayEquals(new int[] {small.id("123"), small.id("4")}, missing.encodePlain("1234"));
        assertArrayEquals(missing.encodePlain("1234"), empty.encodePlain("1234"));
    }

    @Test
    void leavesOutBytesWithoutAToken() {
        SmallVocabulary small = SmallVocabulary.bytePair();
        List<String> tokens = new ArrayList<>();
        for (int id = 0; id < 255; id++) {
            tokens.add(Character.toString(ALPHABET.charAt(id)));
        }
        Tokenizer tokenizer = Tokenizer.of(small.metadata()
                .strings("tokenizer.ggml.tokens", tokens.subList(0, 0xA9))
                .remove("tokenizer.ggml.token_type")
                .remove("tokenizer.ggml.scores")
                .build());
        assertArrayEquals(new int[] {'a', 'b'}, tokenizer.encodePlain("aéb")); // é is C3 A9
    }
}
