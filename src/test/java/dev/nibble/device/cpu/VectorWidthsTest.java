package dev.nibble.device.cpu;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.nibble.Generation;
import dev.nibble.GenerationOptions;
import dev.nibble.LanguageModel;
import dev.nibble.ModelOptions;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Every width of vectors writes what the reference writes: a whole model, its prompt read in one piece, then token by token. */
class VectorWidthsTest {
    private static final String PROMPT = "Anna put the red ball in the blue box. Then she went to the garden to play.";

    /** Prints the width of vectors and a text. */
    static final class Program {
        public static void main(String[] arguments) throws IOException {
            PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
            out.println(Lanes.BITS);
            out.println(text("cpu"));
        }
    }

    private static String text(String device) throws IOException {
        ModelOptions options = ModelOptions.builder().devices(device).build();
        GenerationOptions greedy =
                GenerationOptions.builder().greedy().maxTokens(24).build();
        try (LanguageModel model = LanguageModel.openDemo(options);
                Generation generation = model.generate(PROMPT, greedy)) {
            return generation.text().strip();
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {128, 256, 512})
    void writesTheSame(int bits) throws Exception {
        Process program = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "--add-modules",
                        "jdk.incubator.vector",
                        "-Ddev.nibble.cpu.vectorBits=" + bits,
                        "-Ddev.nibble.cpu.kernels=vector",
                        "-cp",
                        System.getProperty("java.class.path"),
                        Program.class.getName())
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
        String output = new String(program.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertEquals(0, program.waitFor(), output);
        assertEquals(bits + "\n" + text("reference"), output.replace("\r", "").strip());
    }
}
