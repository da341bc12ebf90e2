package dev.nibble.evaluation;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.nibble.LanguageModel;
import dev.nibble.ModelOptions;
import dev.nibble.TokenSession;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The measurement as its definition says, on the bundled model: windows, perplexity, divergence, files, refusals. */
final class PerplexityTest {
    private static LanguageModel model;
    private static String text;

    @TempDir
    private Path folder;

    @BeforeAll
    static void open() throws IOException {
        model = LanguageModel.openDemo(ModelOptions.DEFAULT);
        text = SampleText.read();
    }

    @AfterAll
    static void close() {
        model.close();
    }

    private static Quality measure(TextWindows windows, Path saveTo, Path against) throws IOException {
        return Perplexity.measure(
                model, windows, new PerplexityOptions(saveTo, against, (done, total, perplexity) -> {}));
    }

    @Test
    void windowsCutTheTextAndBeginAsTextsDo() {
        int[] tokens = model.tokenize(text);
        TextWindows windows = TextWindows.of(model, text, 37, 3);
        assertEquals(3, windows.count());
        for (int i = 0; i < 3; i++) {
            int[] wanted = Arrays.copyOfRange(tokens, 37 * i, 37 * (i + 1));
            wanted[0] = model.beginningToken().orElseThrow();
            assertArrayEquals(wanted, windows.window(i));
        }
        assertEquals(tokens.length / 37, TextWindows.of(model, text, 37, 0).count());
    }

    /** Each window alone, all of it with the logits of every token. */
    @Test
    void thePerplexityIsThatOfTheDefinition() throws IOException {
        for (int size : new int[] {4, 37, 512}) {
            TextWindows windows = TextWindows.of(model, text, size, 5);
            List<Double> surprise = new ArrayList<>();
            for (int i = 0; i < windows.count(); i++) {
                surprise.addAll(surprise(windows.window(i)));
            }
            double mean = surprise.stream().mapToDouble(s -> s).average().orElseThrow();
            double squares = surprise.stream().mapToDouble(s -> s * s).average().orElseThrow();
            double error = Math.sqrt((squares - mean * mean) / (surprise.size() - 1));
            List<Integer> heard = new ArrayList<>();
            Quality quality = Perplexity.measure(
                    model, windows, new PerplexityOptions(null, null, (done, total, sofar) -> heard.add(done)));
            assertEquals(surprise.size(), quality.tokens());
            assertEquals(Math.exp(mean), quality.perplexity().value(), 2e-3 * Math.exp(mean));
            assertEquals(error * Math.exp(mean), quality.perplexity().error(), 5e-3 * error * Math.exp(mean));
            assertEquals(List.of(1, 2, 3, 4, 5), heard);
            assertEquals(5, quality.running().size());
        }
    }

    private static List<Double> surprise(int[] window) {
        List<Double> surprise = new ArrayList<>();
        try (TokenSession session = model.session()) {
            session.feed(window, (position, logits) -> {
                if (position >= window.length / 2 && position + 1 < window.length) {
                    double sum = 0;
                    for (float logit : logits) {
                        sum += Math.exp(logit);
                    }
                    surprise.add(Math.log(sum) - logits[window[position + 1]]);
                }
            });
        }
        return surprise;
    }

    @Test
    void aModelDoesNotDivergeFromItself() throws IOException {
        TextWindows windows = TextWindows.of(model, text, 64, 8);
        Path saved = folder.resolve("base");
        Quality base = measure(windows, saved, null);
        Quality again = measure(TextWindows.of(model, text, 64, 6), null, saved);
        Divergence divergence = again.divergence();
        assertNotNull(divergence);
        assertEquals(model.info().name(), divergence.base());
        assertEquals(base.running().get(5).value(), divergence.basePerplexity().value(), 1e-6);
        assertEquals(1, divergence.sameTop().value());
        assertEquals(1, divergence.correlation(), 1e-6);
        assertEquals(0, divergence.logRatio().value(), 1e-6);
        assertTrue(
                divergence.kl().maximum() < 1e-7,
                () -> "KL up to " + divergence.kl().maximum());
        assertTrue(
                divergence.kl().minimum() > -1e-9,
                () -> "KL from " + divergence.kl().minimum());
        try (var files = Files.list(folder)) {
            assertEquals(1, files.count(), "only the whole file is left");
        }
    }

    @Test
    void filesOfAnotherMeasurementAreRefused() throws IOException {
        Path saved = folder.resolve("base");
        measure(TextWindows.of(model, text, 64, 2), saved, null);
        assertRefused(TextWindows.of(model, text, 32, 2), saved, "windows of 64 tokens, here they have 32");
        assertRefused(TextWindows.of(model, text, 64, 3), saved, "2 windows, fewer than the 3");
        assertRefused(TextWindows.of(model, text.substring(40), 64, 2), saved, "another text: token");
        IOException vocabulary = assertThrows(
                IOException.class, () -> PredictionReader.open(saved, TextWindows.of(model, text, 64, 2), 1000));
        assertTrue(vocabulary.getMessage().contains("vocabulary of 1024 tokens, the model of 1000"));
    }

    @Test
    void damagedFilesAreRefused() throws IOException {
        TextWindows windows = TextWindows.of(model, text, 64, 2);
        Path saved = folder.resolve("base");
        measure(windows, saved, null);
        byte[] whole = Files.readAllBytes(saved);
        for (int bytes : new int[] {0, 5, 27, 40, 300, whole.length - 1}) {
            Files.write(saved, Arrays.copyOf(whole, bytes));
            assertRefused(windows, saved, "bytes");
        }
        byte[] other = whole.clone();
        other[0] = 'X';
        Files.write(saved, other);
        assertRefused(windows, saved, "no file of saved predictions");
        for (int number = 8; number < 28; number += 4) {
            other = whole.clone();
            Arrays.fill(other, number, number + 4, (byte) 0x7f);
            Files.write(saved, other);
            assertRefused(windows, saved, "cannot be compared");
        }
    }

    /** The last prediction of a file with one of its numbers changed to what cannot be. */
    @Test
    void damagedPredictionsAreRefused() throws IOException {
        TextWindows windows = TextWindows.of(model, text, 64, 2);
        Path saved = folder.resolve("base");
        measure(windows, saved, null);
        byte[] whole = Files.readAllBytes(saved);
        int last = whole.length - 12 - 2 * model.info().vocabulary();
        int[][] damages = {
            {0, -1},
            {0, 1024},
            {4, bits(0.5f)},
            {4, bits(Float.NaN)},
            {4, bits(Float.NEGATIVE_INFINITY)},
            {8, bits(-1e-3f)},
            {8, bits(Float.POSITIVE_INFINITY)},
            {8, bits(Float.NaN)}
        };
        for (int[] damage : damages) {
            ByteBuffer bytes = ByteBuffer.wrap(whole.clone()).order(ByteOrder.LITTLE_ENDIAN);
            bytes.putInt(last + damage[0], damage[1]);
            Files.write(saved, bytes.array());
            assertRefused(windows, saved, "prediction 61 is damaged");
        }
    }

    private static int bits(float value) {
        return Float.floatToRawIntBits(value);
    }

    @Test
    void predictionsAreNotSavedOverThoseOfTheBase() throws IOException {
        TextWindows windows = TextWindows.of(model, text, 64, 1);
        Path saved = folder.resolve("base");
        measure(windows, saved, null);
        byte[] before = Files.readAllBytes(saved);
        var refusal = assertThrows(IllegalArgumentException.class, () -> measure(windows, saved, saved));
        assertTrue(refusal.getMessage().contains("another name"), refusal.getMessage());
        assertArrayEquals(before, Files.readAllBytes(saved));
    }

    private static void assertRefused(TextWindows windows, Path saved, String inMessage) {
        IOException refusal = assertThrows(IOException.class, () -> measure(windows, null, saved));
        assertTrue(refusal.getMessage().startsWith(saved.toString()), refusal.getMessage());
        assertTrue(refusal.getMessage().contains(inMessage), refusal.getMessage());
    }

    @Test
    void aMeasurementThatFailsLeavesNoFile() {
        Path saved = folder.resolve("absent/base");
        var missing = assertThrows(IOException.class, () -> measure(TextWindows.of(model, text, 64, 2), saved, null));
        assertTrue(missing.getMessage().contains("there is no folder " + saved.getParent()), missing.getMessage());
        Path other = folder.resolve("other");
        Path notThere = folder.resolve("not there");
        assertThrows(IOException.class, () -> measure(TextWindows.of(model, text, 64, 2), other, notThere));
        assertFalse(Files.exists(other));
    }

    @Test
    void textsAndWindowsThatCannotBeAreRefusedWithTheirNumbers() {
        assertRefused("Anna put the ball", 64, 0, "fewer than a window of 64");
        assertRefused(text, 513, 0, "513 tokens does not fit the model's context of 512");
        assertRefused(text, 3, 0, "4 tokens or more; given 3");
        assertRefused(text, 64, -1, "-1");
    }

    private static void assertRefused(String text, int size, int most, String inMessage) {
        IllegalArgumentException refusal =
                assertThrows(IllegalArgumentException.class, () -> TextWindows.of(model, text, size, most));
        assertTrue(refusal.getMessage().contains(inMessage), refusal.getMessage());
    }
}
