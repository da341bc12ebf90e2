package dev.nibble.device.cuda;

import dev.nibble.Generation;
import dev.nibble.GenerationOptions;
import dev.nibble.LanguageModel;
import dev.nibble.ModelOptions;
import dev.nibble.device.Activation;
import dev.nibble.device.Buffer;
import dev.nibble.device.ElementType;
import dev.nibble.device.HostCopy;
import dev.nibble.device.Operation;
import dev.nibble.device.RowCount;
import dev.nibble.device.Step;
import dev.nibble.foreign.CudaSimulator;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/**
 * Measures what a token costs the host: the processor time of the engine's thread, that of the driver's calls in it. To be run with
 * {@code NIBBLE_CUDA_LIBRARY=simulator NIBBLE_SIMULATED_EXECUTION=off}, where kernels do nothing and nothing else is left.
 */
final class HostCost {
    private static final int TOKENS = 400;
    private static final int ROUNDS = 40;
    private static final int WIDTH = 32;
    private static final double NANOS_PER_MICRO = 1e3;

    private HostCost() {}

    /** Prints the median of some rounds. */
    public static void main(String[] arguments) throws IOException {
        CudaSimulator simulator = new CudaSimulator();
        double[] engine = new double[ROUNDS];
        double[] wall = new double[ROUNDS];
        long calls = 0;
        double driver;
        try (CudaDevice device = CudaDevice.open(CudaPlatform.system(), 0);
                LanguageModel model = LanguageModel.openDemo(
                        ModelOptions.builder().device(device).build())) {
            for (int round = 0; round < ROUNDS; round++) {
                simulator.fail("");
                long start = System.nanoTime();
                long spent = engineNanos();
                int tokens = generate(model);
                engine[round] = (engineNanos() - spent) / NANOS_PER_MICRO / tokens;
                wall[round] = (System.nanoTime() - start) / NANOS_PER_MICRO / tokens;
                calls = Math.round((double) simulator.calls("call") / tokens);
            }
            driver = driverMicros(device);
        }
        System.out.printf(
                Locale.ROOT,
                "a token: %d calls of the driver; %.1f us of the engine's thread; %.1f us in all; %.1f us of a thread that does nothing but such calls%n",
                calls,
                median(engine),
                median(wall),
                driver);
    }

    private static int generate(LanguageModel model) {
        int tokens = 0;
        try (Generation story = model.generate(
                "Once",
                GenerationOptions.builder().temperature(0).maxTokens(TOKENS).build())) {
            for (var ignored : story) {
                tokens++;
            }
        }
        return tokens;
    }

    /**
     * What the calls of a token cost a thread by themselves: a launch, a launch of a graph, a copy to the host, a wait, and the context
     * thrice.
     */
    private static double driverMicros(CudaDevice device) {
        ThreadMXBean threads = ManagementFactory.getThreadMXBean();
        double[] micros = new double[ROUNDS];
        try (Buffer live = device.allocate(ElementType.I32, 1, 1);
                Buffer x = device.allocate(ElementType.F32, 1, WIDTH)) {
            Operation.Gate gate = new Operation.Gate(new RowCount(live, 1), Activation.SILU, x, x, x);
            Step step = device.prepare(List.of(gate, gate));
            MemorySegment word = Arena.ofAuto().allocate(Integer.BYTES);
            for (int round = 0; round < ROUNDS; round++) {
                long start = threads.getCurrentThreadCpuTime();
                for (int i = 0; i < TOKENS; i++) {
                    device.queue().write(List.of(new HostCopy(live, 0, word)));
                    device.queue().submit(step);
                    device.queue().read(live, 0, word);
                }
                micros[round] = (threads.getCurrentThreadCpuTime() - start) / NANOS_PER_MICRO / TOKENS;
            }
            step.close();
        }
        return median(micros);
    }

    private static long engineNanos() {
        ThreadMXBean threads = ManagementFactory.getThreadMXBean();
        return Arrays.stream(threads.getThreadInfo(threads.getAllThreadIds()))
                .filter(thread -> thread != null && thread.getThreadName().equals("nibble-engine"))
                .mapToLong(thread -> threads.getThreadCpuTime(thread.getThreadId()))
                .sum();
    }

    private static double median(double[] values) {
        double[] sorted = values.clone();
        Arrays.sort(sorted);
        return sorted[sorted.length / 2];
    }
}
