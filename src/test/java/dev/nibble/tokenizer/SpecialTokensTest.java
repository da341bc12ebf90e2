package dev.nibble.tokenizer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class SpecialTokensTest {
    private static TokenBytes bytes(List<String> texts) {
        TokenBytes.Builder builder = new TokenBytes.Builder(texts.size(), 16);
        for (String text : texts) {
            byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
            builder.append(bytes, 0, bytes.length);
            builder.next();
        }
        return builder.build();
    }

    private static List<String> cut(List<String> special, BitSet left, BitSet right, String text) {
        int[] ids = IntStream.range(0, special.size()).toArray();
        SpecialTokens tokens = new SpecialTokens(bytes(special), ids, new SpecialTokens.Stripping(left, right));
        byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
        List<String> parts = new ArrayList<>();
        for (SpecialTokens.Fragment fragment : tokens.partition(utf8)) {
            String part = new String(utf8, fragment.from(), fragment.to() - fragment.from(), StandardCharsets.UTF_8);
            assertEquals(fragment.isToken() ? special.get(fragment.id()) : part, part);
            parts.add(fragment.isToken() ? "[" + part + "]" : part);
        }
        return parts;
    }

    private static List<String> cut(List<String> special, String text) {
        return cut(special, new BitSet(), new BitSet(), text);
    }

    @Test
    void takesTheLongestFirstWhereverItStands() {
        assertEquals(List.of("a", "[<|x|>]", "b"), cut(List.of("<|x|>", "<|"), "a<|x|>b"));
        assertEquals(List.of("[<|]", "y", "[<|x|>]"), cut(List.of("<|", "<|x|>"), "<|y<|x|>"));
        assertEquals(List.of("a", "[bcd]"), cut(List.of("ab", "bcd"), "abcd"));
        assertEquals(List.of("[ab]", "[cdef]"), cut(List.of("ab", "abc", "cdef"), "abcdef"));
        assertEquals(List.of("[aa]", "[aa]", "a"), cut(List.of("aa"), "aaaaa"));
        assertEquals(List.of(), cut(List.of("aa"), ""));
        assertEquals(List.of("é", "[ñ]"), cut(List.of("ñ"), "éñ"));
    }

    @Test
    void swallowsWhiteSpaceWhereTheTokenSaysSo() {
        BitSet yes = BitSet.valueOf(new long[] {1});
        BitSet no = new BitSet();
        assertEquals(List.of("a \n", "[<m>]", "b"), cut(List.of("<m>"), no, yes, "a \n<m> \tb"));
        assertEquals(List.of("a", "[<m>]", " \tb"), cut(List.of("<m>"), yes, no, "a \n<m> \tb"));
        assertEquals(List.of("[<m>]", "[<m>]"), cut(List.of("<m>"), yes, yes, " <m>  <m> "));
    }

    @Test
    void cutsAsTheTokenByTokenLoopDoes() {
        Random random = new Random(11);
        for (int round = 0; round < 3000; round++) {
            List<String> special = new ArrayList<>();
            for (int i = random.nextInt(8); i >= 0; i--) {
                String text = letters(random, 1 + random.nextInt(5));
                if (!special.contains(text)) {
                    special.add(text);
                }
            }
            String text = letters(random, random.nextInt(40));
            assertEquals(loop(special, text), cut(special, text), special + " in " + text);
        }
    }

    private static String letters(Random random, int length) {
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < length; i++) {
            text.append((char) ('a' + random.nextInt(3)));
        }
        return text.toString();
    }

    /** One token after the other, the longest first, over all raw parts. */
    private static List<String> loop(List<String> special, String text) {
        List<String> order = new ArrayList<>(special);
        order.sort(Comparator.comparingInt((String token) -> -token.length()).thenComparing(special::indexOf));
        List<String> parts = text.isEmpty() ? List.of() : List.of(text);
        for (String token : order) {
            List<String> finer = new ArrayList<>();
            for (String part : parts) {
                if (part.startsWith("[")) {
                    finer.add(part);
                    continue;
                }
                int from = 0;
                for (int at = part.indexOf(token); at >= 0; at = part.indexOf(token, from)) {
                    if (at > from) {
                        finer.add(part.substring(from, at));
                    }
                    finer.add("[" + token + "]");
                    from = at + token.length();
                }
                if (from < part.length()) {
                    finer.add(part.substring(from));
                }
            }
            parts = finer;
        }
        return parts;
    }

    @Test
    void takesLinearTimeOnRunsOfSpaces() {
        List<String> runs = IntStream.rangeClosed(2, 24).mapToObj(" "::repeat).toList();
        assertTimeoutPreemptively(Duration.ofSeconds(10), () -> {
            List<String> parts = cut(runs, " ".repeat((1 << 20) - 1));
            assertEquals((1 << 20) / 24 + 1, parts.size());
        });
    }

    @Test
    void controlTokensAreRecognisedOnlyWhenAsked() {
        SmallVocabulary small = SmallVocabulary.sentencePiece("▁", "a").add("<tool>", 4);
        Tokenizer tokenizer = Tokenizer.of(
                small.metadata().bool("tokenizer.ggml.add_space_prefix", false).build());
        int tool = small.id("<tool>");
        int a = small.id("a");
        assertArrayEquals(new int[] {1, a, 2, tool}, tokenizer.encode("a</s><tool>"));
        assertArrayEquals(new int[] {a, 2, tool}, tokenizer.encode("a</s><tool>", new EncodeOptions(false, true)));
        int[] plain = tokenizer.encodePlain("a</s><tool>");
        assertArrayEquals(
                new int[] {a, 3 + '<', 3 + '/', 3 + 's', 3 + '>', tool}, plain, "user-defined tokens always count");
        assertEquals("a</s><tool>", tokenizer.decode(plain));
    }

    @Test
    void namesOfModelsTellWhichTokensSwallowSpace() {
        SmallVocabulary small = SmallVocabulary.sentencePiece("▁", "a").add("<|end|>", 3);
        Tokenizer tokenizer = Tokenizer.of(
                small.metadata().string("general.name", "Phi-3 mini").build());
        int space = small.id("▁");
        int a = small.id("a");
        assertArrayEquals(
                new int[] {1, small.id("<|end|>"), space, a, 1, space, space, a}, tokenizer.encode("<|end|>  a<s> a"));
    }
}
