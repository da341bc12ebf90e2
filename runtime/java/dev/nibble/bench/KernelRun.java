package dev.nibble.bench;

import dev.nibble.DeviceLimits;
import dev.nibble.KernelTime;
import dev.nibble.LanguageModel;
import java.util.List;
import java.util.Optional;

/** Measures the kernels of one model's steps, between two measurements of the device's limits. */
final class KernelRun {
    private final LanguageModel model;
    private final Optional<DeviceLimits> limits;
    private final int repetitions;

    KernelRun(LanguageModel model, Optional<DeviceLimits> limits, int repetitions) {
        this.model = model;
        this.limits = limits;
        this.repetitions = repetitions;
    }

    /** The kernels of a test's step: the tokens of a prompt together, or one token. */
    List<KernelRow> measure(BenchTest test) {
        KernelRow.Limits before = limits();
        List<KernelTime> kernels = model.kernelTimes(test.tokens(), test.depth(), repetitions);
        KernelRow.Limits after = limits();
        KernelRow.Limits best = new KernelRow.Limits(
                Math.max(before.bytesPerSecond(), after.bytesPerSecond()),
                Math.max(before.multiplyAddsPerSecond(), after.multiplyAddsPerSecond()));
        double step = kernels.stream()
                .mapToDouble(kernel -> kernel.count() * kernel.seconds())
                .sum();
        return kernels.stream()
                .map(kernel ->
                        new KernelRow(test, model.info(), kernel, kernel.count() * kernel.seconds() / step, best))
                .toList();
    }

    private KernelRow.Limits limits() {
        return limits.map(device -> new KernelRow.Limits(device.readBytesPerSecond(), device.multiplyAddsPerSecond()))
                .orElse(KernelRow.Limits.NONE);
    }
}
