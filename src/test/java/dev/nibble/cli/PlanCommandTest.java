package dev.nibble.cli;

import static dev.nibble.cli.CommandLineHarness.nibble;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.nibble.LanguageModel;
import dev.nibble.ModelInfo;
import dev.nibble.ModelOptions;
import dev.nibble.cli.CommandLineHarness.Result;
import dev.nibble.model.Split;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** {@code nibble plan}. */
final class PlanCommandTest {
    private static final double BILLION = 1e9;

    @TempDir
    private Path folder;

    private static JsonNode plan(int status, String line) {
        Result result = nibble(("plan --json " + line).split(" "));
        assertEquals(status, result.status(), result.err());
        return new JsonMapper().readTree(result.out());
    }

    /**
     * What is said of models of seven billion weights, which this one has 7.25 of: 28 GB in floats, 7 GB at 8 bits, 1.75 GB at 2 bits;
     * scales and what is kept in more bits come on top.
     */
    @ParameterizedTest
    @CsvSource({
        "f32, 32, 28.0, 32, 29.0",
        "q8_0, 8, 7.0, 8.5, 7.70",
        "q4_0, 4, 3.5, 4.5, 4.08",
        "q4_k_m, 4, 3.5, 4.83, 4.37",
        "q2_k, 2, 1.75, 2.625, 2.38"
    })
    void sevenBillionWeights(String type, int bits, double ofSeven, double realBits, double file) {
        JsonNode plan = plan(0, "--shape mistral-7b:" + type + " --device cuda:0 --memory 40GiB");
        double weights = plan.get("weights").asDouble();
        assertEquals(7.25, weights / BILLION, 0.01);
        assertEquals(ofSeven, 7 * bits / 8.0, 0);
        assertEquals(realBits, 8 * plan.get("file_bytes").asDouble() / weights, 0.01);
        assertEquals(file, plan.get("file_bytes").asDouble() / BILLION, 0.01);
        JsonNode main = plan.at("/types/0");
        assertEquals(
                main.get("weights").asLong() * bits / 8,
                main.get("nominal_bytes").asLong());
    }

    /** The 4.7 GB that a 7B model is said to take at 4 bits: scales, an output of 6 bits, a context, activations. */
    @Test
    void fourBitsWithAllThatComesOnTop() {
        String line = "--shape mistral-7b:q4_k_m --device cuda:0 --memory 5.5GiB --ctx 2048 --batch 128";
        JsonNode plan = plan(0, line);
        JsonNode device = plan.at("/devices/0");
        assertEquals(4.37, device.get("weights").asDouble() / BILLION, 0.02);
        assertEquals(131072, plan.get("kv_bytes_per_token").asInt());
        long tokens = plan.get("cache_tokens").asLong();
        assertTrue(tokens > 2048 && tokens < 8192, "the cache takes what is left: " + tokens);
        assertEquals(tokens * 131072, device.get("kv_cache").asLong(), 131072 * 32);
        long context = 2048 * 131072L;
        long scratch = device.get("scratch").asLong();
        assertEquals(4.72, (device.get("weights").asLong() + context + scratch) / BILLION, 0.08);
        assertEquals(
                device.get("total").asLong() - device.get("kv_cache").asLong(),
                device.get("weights").asLong() + scratch);
        String text = nibble(("plan " + line).split(" ")).out();
        assertTrue(text.contains("4 bits per weight alone would be 3.62 GB"), text);
        assertTrue(text.contains("4.37 GB (4.83 bits)"), text);
    }

    @Test
    void aModelForTwoDevices() {
        String line = "--shape llama-3.3-70b:q4_k_m --device cuda:0,cuda:1 --memory 24GiB --ctx 8192 --kv q8_0";
        JsonNode plan = plan(0, line);
        assertTrue(plan.get("fits").asBoolean());
        assertEquals(42.5, plan.get("file_bytes").asDouble() / BILLION, 0.3);
        JsonNode first = plan.at("/devices/0");
        JsonNode second = plan.at("/devices/1");
        assertEquals(80, first.get("layers").asInt() + second.get("layers").asInt());
        assertEquals(first.get("layers").asInt(), second.get("first_layer").asInt());
        assertTrue(first.get("left").asLong() > 0 && second.get("left").asLong() > 0, plan.toString());
        assertEquals(8L * 128 * 2 * 80 / 32 * 34, plan.get("kv_bytes_per_token").asLong());
        JsonNode longest = plan.get("longest_context");
        int eight = longest.get("q8_0").asInt();
        assertTrue(longest.get("f32").asInt() < longest.get("f16").asInt()
                && longest.get("f16").asInt() < eight);
        assertTrue(eight < longest.get("q4_0").asInt() && eight >= 8192, longest.toString());
        plan(0, line.replace("8192", String.valueOf(eight)));
        plan(5, line.replace("8192", String.valueOf(eight + 64)));
    }

    /**
     * The published file of 130.60 GiB and 1025 tensors, on two devices of 80: 70,272 bytes of latent vectors per token, 37,332 and 19,764
     * quantized. On the devices the matrices that turn queries to latent vectors are kept in 16 bits, which adds half a gibibyte, and
     * those that make keys of latent vectors beside them, 0.4 more; what prompts make takes half a gibibyte on each.
     */
    @Test
    void deepSeekR1OnTwoDevices() {
        JsonNode plan = plan(0, "--shape deepseek-r1:ud-iq1_s --device cuda:0,cuda:1 --memory 80GiB --ctx 8192");
        double gibibytes = plan.get("file_bytes").asDouble() / (1L << 30);
        assertEquals(130.60, gibibytes, 0.005);
        assertEquals(671.03, plan.get("weights").asDouble() / BILLION, 0.01);
        assertEquals(168, count(plan, "iq1_s"));
        assertEquals(6, count(plan, "iq2_xxs"));
        assertEquals(190, count(plan, "q4_k"));
        assertEquals(116, count(plan, "q5_k"));
        assertEquals(184, count(plan, "q6_k"));
        assertEquals(361, count(plan, "f32"));
        assertEquals(70272, plan.get("kv_bytes_per_token").asInt());
        double left = (plan.at("/devices/0/left").asDouble()
                        + plan.at("/devices/1/left").asDouble())
                / (1L << 30);
        assertEquals(25.3, left, 0.5);
        JsonNode projection = plan.get("projection");
        assertTrue(projection.get("kind").asString().contains("not measured"), projection.toString());
        assertEquals(
                58,
                projection.get("layers").asInt()
                        - projection.get("dense_layers").asInt());
        assertEquals(64.5, projection.get("layer_split_tokens_per_second").asDouble(), 1);
        assertTrue(projection.get("tensor_split_tokens_per_second").asDouble() > 90, projection.toString());
        JsonNode longest = plan.get("longest_context");
        assertEquals(387_000, longest.get("f16").asInt(), 12_000);
        assertEquals(
                70272 / 37332.0,
                longest.get("q8_0").asDouble() / longest.get("f16").asDouble(),
                0.06);
        assertEquals(
                70272 / 19764.0,
                longest.get("q4_0").asDouble() / longest.get("f16").asDouble(),
                0.15);
    }

    /** Latent vectors serve all heads: each device keeps them. */
    @Test
    void deepSeekR1InPartsOfEveryLayer() {
        String line = "--shape deepseek-r1:ud-iq1_s --device opencl:0,opencl:1 --memory 80GiB --ctx 8192 --split ";
        JsonNode parts = plan(0, line + "tensor");
        JsonNode layers = plan(0, line + "layer");
        assertEquals(2 * sum(layers, "kv_cache"), sum(parts, "kv_cache"));
        double weights = sum(layers, "weights");
        assertEquals(1.01, sum(parts, "weights") / weights, 0.01, "routers and latent matrices are on both");
        assertTrue(parts.at("/devices/1/holds").asString().startsWith("64 of 128 heads"), parts.toString());
        int half = layers.at("/longest_context/f16").asInt() / 2;
        assertEquals(half, parts.at("/longest_context/f16").asInt(), 0.1 * half);
    }

    private static int count(JsonNode plan, String type) {
        for (JsonNode row : plan.get("types")) {
            if (row.get("type").asString().equals(type)) {
                return row.get("tensors").asInt();
            }
        }
        return 0;
    }

    @Test
    void whatDoesNotFitSaysWhatWould() {
        String line =
                "--shape llama-3.3-70b:q4_k_m --device cuda:0,cuda:1 --memory 24GiB --ctx 32768 --tensor-split 3,1";
        JsonNode plan = plan(5, line);
        assertFalse(plan.get("fits").asBoolean());
        long missing = plan.at("/missing/cuda:0").asLong();
        assertEquals(-plan.at("/devices/0/left").asLong(), missing);
        assertTrue(plan.at("/missing/cuda:1").isMissingNode(), plan.toString());
        plan = plan(5, line.replace(" --tensor-split 3,1", ""));
        String advice = plan.get("advice").toString();
        assertTrue(advice.contains("\"--kv q8_0: 32768 tokens"), advice);
        assertTrue(advice.contains("\"--ctx "), advice);
        assertTrue(advice.contains("\"--device cuda:0,cuda:1,cpu: layer"), advice);
        assertTrue(advice.contains("\"3 devices"), advice);
        assertTrue(advice.contains("bits per weight"), advice);
        plan(0, line.replace("--tensor-split 3,1", "--kv q8_0"));
        int tokens = plan.at("/longest_context/f16").asInt();
        plan(0, line.replace(" --tensor-split 3,1", "").replace("32768", String.valueOf(tokens)));
        String text = nibble(("plan " + line).split(" ")).out();
        assertTrue(text.contains("It does not fit: cuda:0 lacks "), text);
    }

    /** Though the processor has more memory, the faster device is filled first. */
    @Test
    void theFasterDeviceGetsMost() {
        JsonNode plan =
                plan(0, "--shape llama-3.3-70b:q4_k_m --device cuda:0,cpu --memory 24GiB,256GiB --ctx 4096 --kv q8_0");
        long left = plan.at("/devices/0/left").asLong();
        assertTrue(left >= 0 && left < 700 << 20, plan.toString());
        assertTrue(plan.get("reason").asString().contains("1000 : 50 GB/s"), plan.toString());
    }

    @Test
    void anotherSplitIsAdvised() {
        String advice = plan(5, "--shape llama-3.3-70b:q4_k_m --device cuda:0,cuda:1 --memory 24GiB --tensor-split 4,1")
                .get("advice")
                .toString();
        assertTrue(advice.contains("no --tensor-split"), advice);
    }

    /** Without sizes the devices are opened: the bundled model on the processor, as it is then loaded. */
    @ParameterizedTest
    @CsvSource({"cpu, LAYER", "cpu;cpu, LAYER", "cpu;cpu, TENSOR"})
    void devicesThatAreHere(String devices, Split split) throws Exception {
        String[] names = devices.split(";");
        JsonNode plan = plan(0, "--ctx 64 --split " + split + " --device " + String.join(",", names));
        ModelOptions options =
                ModelOptions.builder().devices(names).context(64).split(split).build();
        try (LanguageModel model = LanguageModel.openDemo(options)) {
            ModelInfo info = model.info();
            assertEquals(info.weightBytes(), sum(plan, "weights"));
            assertEquals(info.cacheTokens() * info.kvBytesPerToken(), sum(plan, "kv_cache"));
            assertEquals(info.scratchBytes(), sum(plan, "scratch"));
        }
        assertEquals(names.length, plan.get("devices").size());
        assertFalse(plan.has("projection"), "devices that are here can be measured");
        assertEquals("cpu", plan.at("/devices/0/device").asString());
        assertEquals(0, plan.at("/devices/0/reserve").asLong());
        assertTrue(plan.at("/devices/0/available").asLong() > 1 << 20);
        assertEquals(8192, plan.get("cache_tokens").asInt());
    }

    private static long sum(JsonNode plan, String part) {
        long sum = 0;
        for (JsonNode device : plan.get("devices")) {
            sum += device.get(part).asLong();
        }
        return sum;
    }

    @Test
    void aPageWithBars() throws Exception {
        Path page = folder.resolve("plan.html");
        Result result = nibble(
                "plan",
                "--shape",
                "qwen3-30b-a3b:q4_k_m",
                "--device",
                "opencl:0,cpu",
                "--memory",
                "12GiB,64GiB",
                "--html",
                page.toString());
        assertEquals(0, result.status(), result.err());
        String html = Files.readString(page);
        assertTrue(html.startsWith("<!DOCTYPE html>"), html);
        assertEquals(2, html.split("class=\"memory\"").length - 1);
        assertTrue(html.contains(">opencl:0<") && html.contains("It fits."), html);
        assertFalse(html.contains("http"), "no other files");
    }

    /** One device and much memory of the processor: as few experts as needed leave, and the rest has its context. */
    @Test
    void routedExpertsGoToTheCpuWhereOnlyThatFits() {
        String model = "plan --shape deepseek-r1:iq1_s --device cuda:0 --ctx 8192 --kv q8_0 --memory ";
        Result fits = nibble((model + "24GiB,192GiB").split(" "));
        assertEquals(0, fits.status(), fits.err());
        assertTrue(fits.out().contains("cpu: routed experts of layers 3 to 52\n"), fits.out());
        assertTrue(fits.out().contains("because the model does not fit otherwise"), fits.out());
        Result json = nibble((model + "24GiB,192GiB --json --cpu-experts").split(" "));
        assertTrue(json.out().contains("\"routed experts of layers 3 to 60\""), json.out());
        assertTrue(json.out().contains("routed experts of all layers are on the CPU, as asked for"), json.out());
        Result little = nibble((model + "24GiB,64GiB").split(" "));
        assertEquals(5, little.status());
        assertTrue(little.out().contains("would fit: --cpu-experts 53: routed experts"), little.out());
        assertEquals(5, nibble((model + "24GiB --cpu-experts none").split(" ")).status());
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
                    --shape mistral-7b:q4_0 --device cuda:0 --memory 8GiB --cpu-experts      | no routed experts
                    --shape deepseek-r1:iq1_s --device cuda:0 --memory 8GiB --cpu-experts 3  | first 3 layers are dense
                    --shape deepseek-r1:iq1_s --device cuda:0,cpu --memory 8GiB --cpu-experts 9 | leave it out of --device
                    --shape deepseek-r1:iq1_s --device cuda:0 --memory 8GiB --cpu-experts x  | no number of layers
                    --shape deepseek-r1:iq1_s --device cuda:0 --memory 8GiB,9GiB --cpu-experts none | the memory of 2
                    --shape mistral-7b:q4_0 --memory 8GiB                          | cuda:0
                    --shape mistral-7b:q4_0 --device cuda:0 --memory 1GiB,2GiB     | the memory of 2 devices
                    --shape mistral-7b:q4_0 --device cuda:0 --memory lots          | such as 8GiB
                    --shape mistral-7b:q9 --device cuda:0 --memory 8GiB            | q4_k_m
                    --shape nothing:q4_0 --device cuda:0 --memory 8GiB             | mistral-7b
                    --shape mistral-7b:q4_0 -m x.gguf                              | leave one out
                    --ctx 0                                                        | --ctx
                    --batch 0                                                      | --batch
                    """)
    void wrongUse(String line, String inMessage) {
        Result result = nibble(("plan " + line).split(" "));
        assertEquals(2, result.status(), result.err());
        assertTrue(result.err().contains(inMessage), result.err());
    }
}
