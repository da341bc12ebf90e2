package dev.nibble.engine;

import dev.nibble.device.Device;
import dev.nibble.model.LayerRange;
import dev.nibble.model.ModelConfig;
import dev.nibble.model.ModelCutout;
import dev.nibble.model.ModelSource;
import dev.nibble.model.Placement;
import dev.nibble.model.Weights;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Runs a small cut-out of a model while the model itself loads: the same operations on the same types of weights, with few rows
 * and columns. So the virtual machine has compiled the kernels when the first token is asked for, and does not run them step by
 * step at full size.
 */
public final class Rehearsal implements AutoCloseable {
    /** Models that load sooner than this takes effect are not rehearsed. */
    private static final long LEAST_BYTES = 64L << 20;

    /** Enough for the compiler to have seen each kernel often. */
    private static final int PASSES = 24;

    private static final int PROMPT = 8;
    private static final int DECODED = 2;

    private final @Nullable Thread thread;
    private volatile boolean stopped;
    private volatile int steps;

    private Rehearsal(@Nullable Device stage, ModelSource source, List<Weights.Tensor> tensors, EngineOptions options) {
        this.thread = stage == null
                ? null
                : Thread.ofPlatform()
                        .name("nibble-rehearsal")
                        .daemon()
                        .unstarted(() -> run(stage, source, tensors, options));
    }

    /**
     * Starts a rehearsal, where a device has a use for it and the model takes time to load. On several devices it is the first
     * such device whose kernels are rehearsed: those of its kind are the same.
     *
     * @param devices where the model is going to run
     * @param source must stay open until the rehearsal is closed
     * @param tensors all tensors of the source
     */
    public static Rehearsal start(
            List<Device> devices, ModelSource source, List<Weights.Tensor> tensors, EngineOptions options) {
        long bytes = tensors.stream()
                .mapToLong(tensor -> tensor.source().shape().bytes())
                .sum();
        Device stage = bytes < LEAST_BYTES
                ? null
                : devices.stream()
                        .flatMap(device -> device.stage().stream())
                        .findFirst()
                        .orElse(null);
        Rehearsal rehearsal = new Rehearsal(stage, source, tensors, options);
        if (rehearsal.thread != null) {
            rehearsal.thread.start();
        }
        return rehearsal;
    }

    /** Lets it end at the next occasion. */
    public void stop() {
        stopped = true;
    }

    /** Whether it runs. */
    boolean isRunning() {
        return thread != null && thread.isAlive();
    }

    /** Steps that have run. */
    int steps() {
        return steps;
    }

    /** Stops and waits for the end. Closing again does nothing. */
    @Override
    public void close() {
        stop();
        boolean interrupted = false;
        while (isRunning()) {
            try {
                thread.join();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private void run(Device stage, ModelSource source, List<Weights.Tensor> tensors, EngineOptions options) {
        try (stage) {
            perform(stage, new ModelCutout(source, tensors), options);
        } catch (RuntimeException | OutOfMemoryError e) {
            // Whatever is wrong with the model, its loading will meet it too, and fail.
            System.getLogger(Rehearsal.class.getName())
                    .log(
                            System.Logger.Level.DEBUG,
                            "kernels were not rehearsed to the end: the first tokens take longer",
                            e);
            stopped = true;
        }
    }

    private void perform(Device stage, ModelCutout cutout, EngineOptions options) {
        ModelConfig config = cutout.config();
        LayerRange layers = LayerRange.all(config.layers());
        EnginePlan plan = new EnginePlan(
                config,
                new StepLimits(PROMPT, 1, 1, 1),
                EnginePlan.kvLayout(config, options),
                options.rotation(),
                1,
                new Placement(List.of(layers)),
                "a rehearsal",
                List.of(),
                0,
                0,
                LatentForm.ABSORBED);
        try (Stage whole = new Stage(stage, layers, plan, cutout, done -> {})) {
            ForwardPass forward = new ForwardPass(List.of(whole));
            whole.cache().setPage(0, 0);
            Batch batch = new Batch(PROMPT, 1);
            for (int pass = 0; pass < PASSES; pass++) {
                for (int end = PROMPT; end <= PROMPT + DECODED && !stopped; end++) {
                    fill(batch, end == PROMPT ? 0 : end - 1, end);
                    forward.run(batch);
                    steps++;
                }
            }
        }
    }

    private static void fill(Batch batch, int first, int end) {
        batch.clear();
        for (int token = first; token < end - 1; token++) {
            batch.add(token, token, 0);
        }
        batch.addOutput(end - 1, end - 1, 0);
    }
}
