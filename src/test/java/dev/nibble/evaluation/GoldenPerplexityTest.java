package dev.nibble.evaluation;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.nibble.GoldenData;
import dev.nibble.LanguageModel;
import dev.nibble.ModelOptions;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** The perplexity of real models against llama.cpp's, quantization by quantization. */
class GoldenPerplexityTest {
    private static final int WINDOW = 128;
    private static final double TOLERANCE = 0.005;
    /** Int8 activations move the sample a little, and its spread with it. */
    private static final double ERROR_TOLERANCE = 0.02;

    /** The llama.cpp figures of the bundled model, which need no other file. */
    private static final Row BUNDLED = new Row("tiny-q8_0", 2.5418, 0.07051);

    private record Row(String model, double perplexity, double error) {
        static Row of(String line) {
            String[] cells = line.split(",");
            return new Row(cells[0], Double.parseDouble(cells[1]), Double.parseDouble(cells[2]));
        }

        void check(Quality quality) {
            assertEquals(1, quality.perplexity().value() / perplexity, TOLERANCE);
            assertEquals(1, quality.perplexity().error() / error, ERROR_TOLERANCE);
            assertEquals(122 * 63, quality.tokens());
        }
    }

    private static List<Row> rows() {
        String table = new String(GoldenData.bytes(GoldenData.path("eval/perplexity.csv")), StandardCharsets.UTF_8);
        return table.lines().skip(1).map(Row::of).toList();
    }

    @Test
    void theBundledModelOnItsText() throws IOException {
        try (LanguageModel model = LanguageModel.openDemo(ModelOptions.DEFAULT)) {
            BUNDLED.check(measure(model, SampleText.read()));
        }
    }

    @Test
    void theBundledTextsAreTheGoldenOnes() throws IOException {
        byte[] golden = GoldenData.bytes(GoldenData.path("eval/text.txt"));
        assertEquals(new String(golden, StandardCharsets.UTF_8), SampleText.read());
        golden = GoldenData.bytes(GoldenData.path("eval/calibration.txt"));
        assertEquals(new String(golden, StandardCharsets.UTF_8), SampleText.readCalibration());
    }

    @TestFactory
    Stream<DynamicTest> someOnTheCpu() {
        return rows().stream()
                .filter(row -> row.model().matches("tiny-(q4_0|q4_k_m|iq3_s)"))
                .map(row -> test(row, "cpu"));
    }

    @TestFactory
    @Tag("slow")
    Stream<DynamicTest> everyQuantizationOnTheCpu() {
        List<Row> rows = rows();
        assertTrue(rows.size() >= 16, "rows: " + rows.size());
        return rows.stream().map(row -> test(row, "cpu"));
    }

    @TestFactory
    @Tag("slow")
    Stream<DynamicTest> oneOnTheReference() {
        return rows().stream().filter(row -> row.model().equals("tiny-q4_0")).map(row -> test(row, "reference"));
    }

    private static DynamicTest test(Row row, String device) {
        return DynamicTest.dynamicTest(row.model(), () -> {
            String text = new String(GoldenData.bytes(GoldenData.path("eval/text.txt")), StandardCharsets.UTF_8);
            ModelOptions options = ModelOptions.builder().devices(device).build();
            try (LanguageModel model =
                    LanguageModel.open(GoldenData.path("models/" + row.model() + ".gguf"), options)) {
                row.check(measure(model, text));
            }
        });
    }

    private static Quality measure(LanguageModel model, String text) throws IOException {
        return Perplexity.measure(model, TextWindows.of(model, text, WINDOW, 0), PerplexityOptions.DEFAULT);
    }
}
