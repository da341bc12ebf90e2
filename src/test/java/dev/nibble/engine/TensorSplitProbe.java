package dev.nibble.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.nibble.GoldenData;
import dev.nibble.device.Device;
import dev.nibble.device.DeviceOptions;
import dev.nibble.device.Devices;
import dev.nibble.device.KvType;
import dev.nibble.device.Resources;
import dev.nibble.gguf.GgufFile;
import dev.nibble.model.GgufModel;
import dev.nibble.model.ModelSource;
import dev.nibble.model.Split;
import java.io.IOException;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;

/** Compares the logits of a model whose layers are split with those of one device. */
final class TensorSplitProbe {
    private static final DeviceOptions THREAD = new DeviceOptions(1, false);

    /** Devices that differ by the order of additions: what that makes of quantized activations. */
    private static final double TOLERANCE = 1e-4;

    private final int tokens;
    private final int rows;

    /** @param rows of a step: fewer than tokens, so that there are several */
    TensorSplitProbe(int tokens, int rows) {
        this.tokens = tokens;
        this.rows = rows;
    }

    /** The models that have whole blocks where heads end. */
    static Stream<String> models() {
        return Stream.of(
                "random-llama-q8_0",
                "random-llama-ropefreqs-q8_0",
                "random-llama-moe-q8_0",
                "random-qwen2-q8_0",
                "random-qwen3-q8_0",
                "random-qwen3moe-q8_0",
                "tiny-q4_0",
                "tiny-q4_1",
                "tiny-q5_1",
                "tiny-iq4_nl",
                "tiny-f16");
    }

    DynamicTest test(String model, String one, String several, KvType kv, Double... proportions) {
        String name = model + ", " + several + ", " + kv.id() + ", " + List.of(proportions);
        return DynamicTest.dynamicTest(name, () -> {
            try (GgufModel source = open(model)) {
                compare(source, one, several, kv, List.of(proportions));
            }
        });
    }

    static GgufModel open(String model) throws IOException {
        return new GgufModel(GgufFile.open(GoldenData.path("models/" + model + ".gguf")));
    }

    void compare(ModelSource source, String one, String several, KvType kv, List<Double> proportions) {
        int vocabulary = source.config().vocabulary();
        EngineOptions options = new EngineOptions(tokens, tokens, kv, kv, rows);
        float[] wanted = logits(source, one, options);
        float[] found = logits(
                source, several, options.withSplit(proportions, List.of()).withSplit(Split.TENSOR));
        assertTrue(error(found, wanted) < TOLERANCE, "NMSE " + error(found, wanted));
        for (int at = 0; at < wanted.length; at += vocabulary) {
            int best = best(wanted, at, vocabulary);
            if (leads(wanted, at, vocabulary, best)) {
                assertEquals(best, best(found, at, vocabulary), "the likeliest token at " + at / vocabulary);
            }
        }
    }

    private float[] logits(ModelSource source, String devices, EngineOptions options) {
        int vocabulary = source.config().vocabulary();
        int[] prompt = new Random(7).ints(tokens, 3, Math.min(64, vocabulary)).toArray();
        try (Resources opened = new Resources()) {
            List<Device> used = Stream.of(devices.split(","))
                    .map(name -> opened.own(Devices.open(name, THREAD)))
                    .toList();
            try (Engine engine = Engine.open(used, source, options, done -> {})) {
                return EngineProbe.logits(engine.scheduler(), vocabulary, prompt);
            }
        }
    }

    private static int best(float[] logits, int at, int count) {
        int best = 0;
        for (int i = 1; i < count; i++) {
            if (logits[at + i] > logits[at + best]) {
                best = i;
            }
        }
        return best;
    }

    /** Whether the best is so far before the others that the order of additions cannot decide. */
    private static boolean leads(float[] logits, int at, int count, int best) {
        for (int i = 0; i < count; i++) {
            if (i != best && logits[at + best] - logits[at + i] < 0.1) {
                return false;
            }
        }
        return true;
    }

    private static double error(float[] values, float[] wanted) {
        double error = 0;
        double power = 0;
        for (int i = 0; i < wanted.length; i++) {
            error += Math.pow((double) values[i] - wanted[i], 2);
            power += Math.pow(wanted[i], 2);
        }
        return error / power;
    }
}
