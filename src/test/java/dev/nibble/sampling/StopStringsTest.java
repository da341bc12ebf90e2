package dev.nibble.sampling;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTimeout;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;

class StopStringsTest {
    @Test
    void holdsBackWhatMayBecomeAStopString() {
        StopStrings stops = new StopStrings(List.of("</s>", "User:"));
        assertEquals("Hi ", stops.accept("Hi <"));
        assertEquals("", stops.accept("/"));
        assertEquals("</b> ", stops.accept("b> U"));
        assertEquals("Usa", stops.accept("sa"));
        assertEquals(" ", stops.accept(" Use"));
        assertFalse(stops.stopped());
        assertEquals("", stops.accept("r: Bob"));
        assertTrue(stops.stopped());
        assertEquals(Optional.of("User:"), stops.matched());
        assertEquals("", stops.accept("more"));
        assertEquals("", stops.flush());
    }

    @Test
    void releasesTheRestAtTheEndOfTheText() {
        StopStrings stops = new StopStrings(List.of("abab"));
        assertEquals("x", stops.accept("xaba"));
        assertEquals("aba", stops.flush());
        assertEquals("", stops.flush());
        assertEquals("b", stops.accept("ba"));
        assertEquals("a", stops.flush());
    }

    @Test
    void passesEverythingWithoutStopStrings() {
        StopStrings stops = new StopStrings(List.of());
        assertEquals("any", stops.accept("any"));
        assertEquals("", stops.accept(""));
        assertEquals("", stops.flush());
        assertThrows(IllegalArgumentException.class, () -> new StopStrings(List.of("a", "")));
    }

    /** Against the definition: the least end of any occurrence, then the longest string that ends there. */
    @Test
    void agreesWithAPlainSearchForRandomTextsAndCuts() {
        Random random = new Random(11);
        int stopped = 0;
        for (int round = 0; round < 20_000; round++) {
            List<String> strings = new ArrayList<>();
            for (int i = random.nextInt(4); i >= 0; i--) {
                strings.add(word(random, 1 + random.nextInt(5)));
            }
            String text = word(random, random.nextInt(30));
            String expected = text;
            String match = null;
            search:
            for (int end = 1; end <= text.length(); end++) {
                for (String string : strings) {
                    boolean longer = match == null || string.length() > match.length();
                    if (longer && text.substring(0, end).endsWith(string)) {
                        match = string;
                        expected = text.substring(0, end - string.length());
                    }
                }
                if (match != null) {
                    break search;
                }
            }
            StopStrings stops = new StopStrings(strings);
            StringBuilder shown = new StringBuilder();
            for (int from = 0; from < text.length(); ) {
                int to = Math.min(text.length(), from + random.nextInt(4));
                shown.append(stops.accept(text.substring(from, to)));
                assertTrue(expected.startsWith(shown.toString()), strings + " in " + text + ": showed " + shown);
                from = to;
            }
            shown.append(stops.flush());
            assertEquals(expected, shown.toString(), strings + " in " + text);
            assertEquals(Optional.ofNullable(match), stops.matched());
            stopped += stops.stopped() ? 1 : 0;
        }
        assertTrue(stopped > 5000 && stopped < 19_000, stopped + " texts were stopped");
    }

    @Test
    void holdsBackNoMoreThanNeeded() {
        StopStrings stops = new StopStrings(List.of("aab"));
        assertEquals("", stops.accept("aa"));
        assertEquals("aa", stops.accept("aa"));
        assertEquals("aac", stops.accept("c"));
    }

    @Test
    void takesLinearTimeOnHostileText() {
        String many = "a".repeat(100_000);
        StopStrings stops = new StopStrings(List.of(many + "b", "c"));
        assertTimeout(Duration.ofSeconds(5), () -> {
            long shown = 0;
            for (int i = 0; i < 20; i++) {
                shown += stops.accept(many).length();
                shown += stops.accept("d").length();
            }
            assertEquals(20 * 100_001L, shown);
        });
    }

    private static String word(Random random, int length) {
        StringBuilder word = new StringBuilder();
        for (int i = 0; i < length; i++) {
            word.append("abc".charAt(random.nextInt(8) / 3));
        }
        return word.toString();
    }
}
