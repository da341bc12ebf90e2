package dev.nibble;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.nibble.device.NeedsCuda;
import dev.nibble.device.NeedsOpenCl;
import dev.nibble.device.PresentDevices;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.ObjectMapper;

/** What the bundled model writes, word for word as llama.cpp has it write in float32. */
class GreedyTextTest {
    @ParameterizedTest
    @ValueSource(strings = {"reference", "cpu", "cpu,cpu", "cpu,reference", "reference,cpu", "cpu,cpu,reference,cpu"})
    void theBundledModelWritesWhatItShould(String devices) throws IOException {
        verify(devices);
    }

    @ParameterizedTest
    @ValueSource(strings = {"opencl:0", "opencl:0,opencl:1", "opencl:1,cpu"})
    @ExtendWith(NeedsOpenCl.class)
    void openClDevicesWriteTheSame(String devices) throws IOException {
        verify(devices);
    }

    @ParameterizedTest
    @ValueSource(strings = "cuda:0,cuda:1")
    @ExtendWith(NeedsCuda.class)
    void cudaDevicesWriteTheSame(String devices) throws IOException {
        verify(devices);
    }

    @ParameterizedTest
    @ValueSource(strings = {"cuda:0", "cuda:1,cpu"})
    @Tag("slow")
    @ExtendWith(NeedsCuda.class)
    void oneCudaDeviceWritesTheSame(String devices) throws IOException {
        verify(devices);
    }

    private static void verify(String devices) throws IOException {
        PresentDevices.assume(devices);
        ModelOptions options =
                ModelOptions.builder().devices(devices.split(",")).build();
        try (LanguageModel model = LanguageModel.openDemo(options)) {
            for (JsonNode item : items()) {
                String prompt = item.get("prompt").asString();
                assertArrayEquals(ints(item.get("prompt_ids")), model.tokenize(prompt), prompt);
                int[] wanted = ints(item.get("ids"));
                GenerationOptions greedy = GenerationOptions.builder()
                        .greedy()
                        .maxTokens(wanted.length)
                        .build();
                try (Generation generation = model.generate(prompt, greedy)) {
                    assertEquals(item.get("text").asString(), generation.text(), prompt);
                }
            }
        }
    }

    private static List<JsonNode> items() throws IOException {
        ObjectMapper json = new ObjectMapper();
        try (InputStream lines = GreedyTextTest.class.getResourceAsStream("greedy.jsonl")) {
            return new String(lines.readAllBytes(), StandardCharsets.UTF_8)
                    .lines()
                    .map(json::readTree)
                    .filter(item -> item.get("model").asString().contains("tiny-q8_0"))
                    .toList();
        }
    }

    private static int[] ints(JsonNode array) {
        return array.valueStream().mapToInt(JsonNode::asInt).toArray();
    }
}
