package dev.nibble.device.cpu;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.nibble.Generation;
import dev.nibble.GenerationOptions;
import dev.nibble.LanguageModel;
import dev.nibble.ModelOptions;
import dev.nibble.device.KvType;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Every width of vectors writes what the reference writes: a whole model, its prompt read in one piece, then token by token. */
class VectorWidthsTest {
    private static final String PROMPT = "Anna put the red ball in the blue box. Then she went to the garden to play.";

    /** Prints the width of vectors and a text. */
    static final class Program {
        public static void main(String[] arguments) throws IOException {
            PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
            out.println(Lanes.BITS);
            out.println(text("cpu", KvType.valueOf(arguments[0])));
        }
    }

    private static String text(String device, KvType kv) throws IOException {
        ModelOptions options =
                ModelOptions.builder().devices(device).kvCache(kv).build();
        GenerationOptions greedy =
                GenerationOptions.builder().greedy().maxTokens(24).build();
        try (LanguageModel model = LanguageModel.openDemo(options);
                Generation generation = model.generate(PROMPT, greedy)) {
            return generation.text().strip();
        }
    }

    @ParameterizedTest
    @CsvSource({"128, F16", "256, Q8_0", "512, Q4_0"})
    void writesTheSame(int bits, KvType kv) throws Exception {
        verify(bits, kv);
    }

    @ParameterizedTest
    @CsvSource({"256, F16", "512, F16", "128, Q8_0", "128, Q4_0", "256, Q4_0"})
    @Tag("slow")
    void writesTheSameWithOtherCaches(int bits, KvType kv) throws Exception {
        verify(bits, kv);
    }

    private static void verify(int bits, KvType kv) throws Exception {
        Process program = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "--add-modules",
                        "jdk.incubator.vector",
                        "-Ddev.nibble.cpu.vectorBits=" + bits,
                        "-Ddev.nibble.cpu.kernels=vector",
                        "-cp",
                        System.getProperty("java.class.path"),
                        Program.class.getName(),
                        kv.name())
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
        String output = new String(program.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertEquals(0, program.waitFor(), output);
        assertEquals(
                bits + "\n" + text("reference", kv), output.replace("\r", "").strip());
    }
}
