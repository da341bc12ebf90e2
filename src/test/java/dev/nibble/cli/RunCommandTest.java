package dev.nibble.cli;

import static dev.nibble.cli.CommandLineHarness.nibble;
import static dev.nibble.cli.CommandLineHarness.nibbleReading;
import static dev.nibble.cli.CommandLineHarness.terminal;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.nibble.cli.CommandLineHarness.Result;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** {@code nibble run} on the model that comes with the program. */
final class RunCommandTest {
    private static final String PROMPT = "Anna put the red ball in the blue box.";
    private static final JsonMapper MAPPER = new JsonMapper();

    private static String[] greedy(String... more) {
        List<String> arguments = new ArrayList<>(List.of("run", "--temperature", "0", "-n", "24"));
        arguments.addAll(List.of(more));
        if (!arguments.contains("--device")) {
            arguments.addAll(List.of("--device", "cpu"));
        }
        return arguments.toArray(String[]::new);
    }

    @Test
    void thePromptMayComeFromAnOptionOrFromTheInput() {
        Result option = nibble(greedy("-p", PROMPT));
        assertEquals(0, option.status(), option.err());
        assertTrue(option.out().length() > 20, option.out());
        assertTrue(option.out().endsWith("\n"), option.out());
        assertEquals(option.out(), nibbleReading(PROMPT, greedy()).out());
    }

    @Test
    void statisticsAndTheChoiceOfDeviceAreNotPartOfTheText() {
        Result result = nibble("run", "--temperature", "0", "-n", "5", "-p", PROMPT);
        assertEquals(0, result.status(), result.err());
        assertTrue(result.err().contains("device: cpu ("), result.err());
        assertTrue(result.err().contains("generated 5 tokens"), result.err());
        assertTrue(result.err().contains("stopped: token limit"), result.err());
        assertFalse(result.out().contains("tokens"), result.out());
    }

    @Test
    void severalDevicesWriteTheSameTextAndAreAllNamed() {
        String text = nibble(greedy("-p", PROMPT)).out();
        Result several =
                nibble(greedy("-p", PROMPT, "--device", "cpu,reference", "--split", "layer", "--tensor-split", "3,1"));
        assertEquals(0, several.status(), several.err());
        assertEquals(text, several.out());
        assertTrue(several.err().contains("device: cpu,reference (layers 0 to 2 on "), several.err());
        assertTrue(several.err().contains("; layer 3 on scalar Java"), several.err());
        Result json = nibble(greedy("-p", PROMPT, "--json", "--device", "reference,cpu"));
        JsonNode object = MAPPER.readTree(json.out());
        assertEquals("reference,cpu", object.get("device").asString());
        assertEquals(text.stripTrailing(), object.get("text").asString().stripTrailing());
    }

    @Test
    void jsonHoldsTheSameTextAndTheTokens() {
        String text = nibble(greedy("-p", PROMPT)).out().stripTrailing();
        Result result = nibble(greedy("-p", PROMPT, "--json", "--logprobs", "3"));
        assertEquals(0, result.status(), result.err());
        assertEquals(1, result.lines().length, result.out());
        JsonNode json = MAPPER.readTree(result.out());
        assertEquals(text, json.get("text").asString().stripTrailing());
        assertEquals("max_tokens", json.get("finish_reason").asString());
        assertEquals(24, json.get("generated_tokens").asInt());
        assertEquals(24, json.get("tokens").size());
        assertTrue(json.get("prompt_tokens").asInt() > 5);
        JsonNode first = json.get("tokens").get(0);
        assertEquals(3, first.get("top").size());
        assertEquals(first.get("id").asInt(), first.get("top").get(0).get("id").asInt());
        assertTrue(first.get("logprob").asDouble() <= 0);
        assertEquals(
                first.get("logprob").asDouble(),
                first.get("top").get(0).get("logprob").asDouble(),
                1e-6);
    }

    @Test
    void aStopStringEndsTheText() {
        String text = nibble(greedy("-p", PROMPT)).out().stripTrailing();
        String stop = text.substring(10, 15);
        Result result = nibble(greedy("-p", PROMPT, "--stop", stop));
        assertEquals(
                text.substring(0, text.indexOf(stop)).stripTrailing(),
                result.out().stripTrailing());
        assertTrue(result.err().contains("stopped: stop string"), result.err());
    }

    @Test
    void aBiasBansToken() {
        JsonNode free = MAPPER.readTree(nibble(greedy("-p", PROMPT, "--json")).out());
        int first = free.get("tokens").get(0).get("id").asInt();
        JsonNode banned = MAPPER.readTree(nibble(greedy("-p", PROMPT, "--json", "--logit-bias", first + "=-inf"))
                .out());
        for (JsonNode token : banned.get("tokens")) {
            assertNotEquals(first, token.get("id").asInt());
        }
    }

    @Test
    void theSameSeedGivesTheSameText() {
        String[] seeded = {"run", "-p", PROMPT, "-n", "24", "--seed", "7", "--temperature", "1.5", "--device", "cpu"};
        String once = nibble(seeded).out();
        assertEquals(once, nibble(seeded).out());
        seeded[6] = "8";
        assertNotEquals(once, nibble(seeded).out());
    }

    @Test
    void theContextEndsTheTextCleanly() {
        Result result = nibble(
                "run",
                "-p",
                PROMPT,
                "--temperature",
                "0",
                "--ctx",
                "32",
                "--device",
                "reference",
                "--logit-bias",
                "2=-inf");
        assertEquals(0, result.status(), result.err());
        assertTrue(result.err().contains("context full"), result.err());
    }

    @Test
    void aClosedOutputEndsQuietly() {
        ByteArrayOutputStream err = new ByteArrayOutputStream();
        ByteArrayOutputStream written = new ByteArrayOutputStream();
        OutputStream closing = new OutputStream() {
            @Override
            public void write(int b) throws IOException {
                if (written.size() >= 10) {
                    throw new IOException("Broken pipe");
                }
                written.write(b);
            }
        };
        int status = Nibble.execute(terminal("", closing, err, false), new Interruption(), greedy("-p", PROMPT));
        assertEquals(0, status, err.toString(StandardCharsets.UTF_8));
        assertEquals(10, written.size());
        assertEquals("", err.toString(StandardCharsets.UTF_8));
    }
}
