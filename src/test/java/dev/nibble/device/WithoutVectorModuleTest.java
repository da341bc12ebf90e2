package dev.nibble.device;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.nibble.GenerationOptions;
import dev.nibble.LanguageModel;
import dev.nibble.ModelOptions;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

/** A program that was started without the module of the Vector API: it works, and says once what is missing. */
class WithoutVectorModuleTest {
    /** What such a program does: opens two devices and a model, and prints what they are and write. */
    static final class Program {
        public static void main(String[] arguments) throws IOException {
            for (String name : List.of("auto", "cpu")) {
                try (Device device = Devices.open(name, new DeviceOptions(1, false))) {
                    System.out.println(device.name());
                }
            }
            ModelOptions options = ModelOptions.builder().devices("cpu").build();
            try (LanguageModel model = LanguageModel.openDemo(options);
                    var text = model.generate(
                            "Once",
                            GenerationOptions.builder().greedy().maxTokens(2).build())) {
                System.out.println(text.text().isBlank() ? "nothing" : "text");
            }
        }
    }

    @Test
    void theReferenceStandsIn() throws Exception {
        Process program = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-cp",
                        System.getProperty("java.class.path"),
                        Program.class.getName())
                .start();
        String output = new String(program.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        String errors = new String(program.getErrorStream().readAllBytes(), StandardCharsets.UTF_8);
        assertEquals(0, program.waitFor(), errors);
        assertEquals("reference\nreference\ntext\n", output.replace("\r", ""), errors);
        List<String> warnings = errors.lines()
                .filter(line -> line.contains("--add-modules jdk.incubator.vector"))
                .toList();
        assertEquals(1, warnings.size(), errors);
    }
}
