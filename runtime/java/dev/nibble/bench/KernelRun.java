package dev.nibble.bench;

import dev.nibble.KernelTime;
import dev.nibble.LanguageModel;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Measures the kernels of one model's steps, between two measurements of the limits of its devices. */
final class KernelRun {
    private final LanguageModel model;
    private final Optional<BenchLimits> limits;
    private final int repetitions;

    KernelRun(LanguageModel model, Optional<BenchLimits> limits, int repetitions) {
        this.model = model;
        this.limits = limits;
        this.repetitions = repetitions;
    }

    /** The kernels of a test's step: the tokens of a prompt together, or one token. */
    List<KernelRow> measure(BenchTest test) {
        Map<String, KernelRow.Limits> before = limits();
        List<KernelTime> kernels = model.kernelTimes(test.tokens(), test.depth(), repetitions);
        Map<String, KernelRow.Limits> after = limits();
        double step = kernels.stream()
                .mapToDouble(kernel -> kernel.count() * kernel.seconds())
                .sum();
        return kernels.stream()
                .map(kernel -> new KernelRow(
                        test,
                        model.info(),
                        kernel,
                        kernel.count() * kernel.seconds() / step,
                        best(before.get(kernel.device()), after.get(kernel.device()))))
                .toList();
    }

    private Map<String, KernelRow.Limits> limits() {
        return limits.map(BenchLimits::measure).orElse(Map.of());
    }

    private static KernelRow.Limits best(KernelRow.@Nullable Limits before, KernelRow.@Nullable Limits after) {
        return before == null || after == null
                ? KernelRow.Limits.NONE
                : new KernelRow.Limits(
                        Math.max(before.bytesPerSecond(), after.bytesPerSecond()),
                        Math.max(before.multiplyAddsPerSecond(), after.multiplyAddsPerSecond()));
    }
}
