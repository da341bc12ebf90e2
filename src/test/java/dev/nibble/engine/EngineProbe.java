package dev.nibble.engine;

import dev.nibble.device.Device;
import dev.nibble.device.DeviceOptions;
import dev.nibble.device.Devices;
import dev.nibble.device.Resources;
import dev.nibble.gguf.GgufFile;
import dev.nibble.model.GgufModel;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;

/** Feeds tokens to a scheduler and waits for the logits at each of them. */
final class EngineProbe implements SequenceListener {
    private final CompletableFuture<float[]> done = new CompletableFuture<>();
    private final float[] logits;
    private final int vocabulary;

    EngineProbe(int tokens, int vocabulary) {
        this.logits = new float[tokens * vocabulary];
        this.vocabulary = vocabulary;
    }

    /**
     * The logits (tokens, vocabulary) of a model file.
     *
     * @param devices names with commas between them; the CPU is beside them where the options want routed experts there
     */
    static float[] logits(Path path, String devices, DeviceOptions deviceOptions, EngineOptions options, int... tokens)
            throws IOException {
        try (Resources opened = new Resources();
                GgufModel model = new GgufModel(GgufFile.open(path))) {
            List<Device> used = Stream.of(devices.split(","))
                    .map(name -> opened.own(Devices.open(name, deviceOptions)))
                    .toList();
            Device cpu = options.cpuExperts() == 0 ? null : opened.own(Devices.open("cpu", deviceOptions));
            try (Engine engine = Engine.open(used, cpu, model, options, done -> {})) {
                return logits(engine.scheduler(), model.config().vocabulary(), tokens);
            }
        }
    }

    /** The logits (vocabulary) of the last token alone, for which nobody waits before. */
    static float[] last(Scheduler scheduler, int vocabulary, int... tokens) {
        EngineProbe probe = new EngineProbe(tokens.length, vocabulary);
        scheduler.feed(scheduler.open(probe), false, tokens);
        float[] logits = probe.done.join();
        return Arrays.copyOfRange(logits, logits.length - vocabulary, logits.length);
    }

    /** The logits (tokens, vocabulary). */
    static float[] logits(Scheduler scheduler, int vocabulary, int... tokens) {
        EngineProbe probe = new EngineProbe(tokens.length, vocabulary);
        scheduler.feed(scheduler.open(probe), true, tokens);
        return probe.done.join();
    }

    @Override
    public boolean ready() {
        return true;
    }

    @Override
    public void onPosition(int position, Output output) {
        float[] row = new float[vocabulary];
        output.logits(row);
        System.arraycopy(row, 0, logits, position * vocabulary, vocabulary);
    }

    @Override
    public int onLast(int position, Output output) {
        onPosition(position, output);
        done.complete(logits);
        return FINISH;
    }

    @Override
    public void onEnd(Optional<Throwable> failure) {
        done.completeExceptionally(failure.orElseGet(() -> new IllegalStateException("closed")));
    }
}
