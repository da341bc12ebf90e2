package dev.nibble.cli;

import static dev.nibble.cli.CommandLineHarness.nibble;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.nibble.cli.CommandLineHarness.Result;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Help, errors and exit codes of all commands. */
final class UsageTest {
    @TempDir
    private Path folder;

    @ParameterizedTest
    @ValueSource(
            strings = {
                "run",
                "tokenize",
                "detokenize",
                "logits",
                "perplexity",
                "calibrate",
                "plan",
                "inspect",
                "quantize",
                "tune",
                "devices"
            })
    void everyCommandHasHelp(String command) {
        Result result = nibble(command, "--help");
        assertEquals(0, result.status());
        assertTrue(result.out().startsWith("Usage: nibble " + command), result.out());
        assertTrue(result.out().contains("--json"), result.out());
        assertEquals("", result.err());
        assertTrue(nibble("--help").out().contains("  " + command + " "));
    }

    @Test
    void theVersionIsOnTheStandardOutput() {
        Result result = nibble("--version");
        assertEquals(0, result.status());
        assertTrue(result.out().startsWith("nibble "), result.out());
        assertTrue(result.out().contains("Java "), result.out());
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
                    ''                                        | a command is needed
                    dance                                     | 'dance'
                    run --frobnicate                          | '--frobnicate'
                    run -n many                               | 'many'
                    run -p x --temperature -1                 | temperature
                    run -p x --threads 0                      | --threads
                    run -p x --ctx 0                          | --ctx
                    run -p x --kv banana                      | f32, f16, q8_0, q4_0
                    run -p x --kv-rotation left               | auto, off, keys, values, both
                    run -p x --split diagonal                 | diagonal
                    run -p x --tensor-split 1,two             | 'two'
                    run -p x --tensor-split 1,1               | not [1.0, 1.0]
                    run -p x --device cpu,cpu --tensor-split 1,0 | one positive number
                    run -p x --device cpu,cpu --tensor-split 9,1 | none of the model's 4 layers for device 2
                    run -p x --device cpu,cpu,cpu,cpu,cpu     | at most 4
                    run -p x --logit-bias 5                   | ID=BIAS
                    logits --tokens 1,2                       | --out
                    logits --tokens 1,x --out /dev/null       | 'x'
                    logits --tokens 99999 --out /dev/null --device cpu | 99999
                    perplexity --windows 0                    | --windows
                    perplexity --ctx 3 --device cpu           | given 3
                    calibrate --windows 2                     | --out
                    calibrate --out /tmp/x --windows 0        | --windows
                    tune --memory much                        | such as 8GiB
                    tune --windows 0                          | --windows
                    tune --ctx 0                              | --ctx
                    tune --kv q8_0                            | --kv
                    tune --prefer beauty                      | beauty
                    detokenize --text five                    | 'five'
                    run -p x --arithmetic decimal             | fixed-point
                    logits --tokens 1 --out /dev/null --activations f32 --arithmetic fixed-point | both
                    detokenize --text 99999                   | 99999
                    inspect --tensor output.weight            | --values
                    inspect --tensor nothing --values /dev/null | 'nothing'
                    """)
    void wrongUseEndsWithTwo(String line, String inMessage) {
        assertFails(2, line, inMessage);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
                    run -p x --device cpu,reference,cuda:9    | cuda
                    run -p x --device cuda:9                  | cuda
                    run -p x --device cpu:7                   | cpu:7
                    logits --tokens 1 --out /dev/null --activations f32 --device cpu | reference
                    run -p x --arithmetic exact --device cpu  | reference
                    run -p x --arithmetic exact               | reference
                    """)
    void whatIsNotAvailableEndsWithFour(String line, String inMessage) {
        assertFails(4, line, inMessage);
    }

    @Test
    void whatDoesNotFitEndsWithFive() {
        assertFails(5, "run -p x --ctx 2000000000", "KV cache");
        String tooLong = "word ".repeat(400).strip();
        Result result = nibble("run", "--ctx", "64", "-p", tooLong);
        assertEquals(5, result.status(), result.err());
    }

    @Test
    void missingAndBrokenFilesEndWithThree() throws Exception {
        Path broken = folder.resolve("broken.gguf");
        Files.writeString(broken, "this is no model");
        for (String command : new String[] {"run -p x -m", "tokenize --text x -m", "inspect"}) {
            assertFails(3, command + " " + broken, "broken.gguf");
            assertFails(3, command + " " + folder.resolve("absent.gguf"), "there is no file");
        }
        Path json = folder.resolve("batch.json");
        Files.writeString(json, "{\"no\": \"array\"}");
        assertFails(3, "tokenize --batch " + json, "batch.json");
    }

    private static void assertFails(int status, String line, String inMessage) {
        Result result = nibble(line.isBlank() ? new String[0] : line.split(" "));
        assertEquals(status, result.status(), result.err());
        assertEquals("", result.out());
        assertTrue(result.err().startsWith("nibble: "), result.err());
        assertTrue(result.err().contains(inMessage), result.err());
        assertFalse(result.err().strip().contains("\n"), () -> "one line only: " + result.err());
    }
}
