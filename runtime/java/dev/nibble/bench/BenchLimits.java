package dev.nibble.bench;

import dev.nibble.DeviceLimits;
import dev.nibble.DeviceShare;
import dev.nibble.LanguageModel;
import dev.nibble.ModelInfo;
import dev.nibble.model.Split;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.ToDoubleFunction;

/**
 * What the devices of a model could reach at best together. Those that share the layers work one after another on a token: the least
 * time of a token is the sum of the least times of its parts. Those that have a part of every layer work at once: it is the least time of
 * the slowest. What they copy counts as nothing.
 */
final class BenchLimits implements AutoCloseable {
    private final List<DeviceShare> shares;
    private final Split split;
    private final int batch;
    private final Map<String, DeviceLimits> devices = new LinkedHashMap<>();

    private BenchLimits(List<DeviceShare> shares, Split split, int batch) {
        this.shares = shares;
        this.split = split;
        this.batch = batch;
    }

    /** Prepares the measurement; empty if one of the devices has none. */
    static Optional<BenchLimits> open(LanguageModel model) {
        ModelInfo info = model.info();
        BenchLimits limits = new BenchLimits(model.shares(), model.split(), info.batch());
        for (DeviceShare share : limits.shares) {
            if (limits.devices.containsKey(share.device())) {
                continue;
            }
            Optional<DeviceLimits> device = DeviceLimits.open(share.device(), info.threads());
            if (device.isEmpty()) {
                limits.close();
                return Optional.empty();
            }
            limits.devices.put(share.device(), device.get());
        }
        return Optional.of(limits);
    }

    /** What each device reaches now, by its name. */
    Map<String, KernelRow.Limits> measure() {
        Map<String, KernelRow.Limits> measured = new LinkedHashMap<>();
        devices.forEach((name, device) ->
                measured.put(name, new KernelRow.Limits(device.readBytesPerSecond(), device.multiplyAddsPerSecond())));
        return measured;
    }

    /** What the devices could reach together in a test now: bytes per second in generation, multiply-adds per second in prompts. */
    double measure(BenchTest test) {
        return together(shares, split, batch, test, measure());
    }

    /** The same with rates that are known. */
    static double together(
            List<DeviceShare> shares, Split split, int batch, BenchTest test, Map<String, KernelRow.Limits> rates) {
        if (test.kind() == BenchTest.Kind.GENERATION) {
            double tokens = test.meanContext();
            return rate(
                    shares,
                    split,
                    1,
                    share -> share.weightBytes() + tokens * share.kvBytes(),
                    share -> rates.get(share.device()).bytesPerSecond());
        }
        int steps = Math.ceilDiv(test.tokens(), batch);
        return rate(
                shares,
                split,
                steps,
                DeviceShare::multiplyAdds,
                share -> rates.get(share.device()).multiplyAddsPerSecond());
    }

    /** Steps follow each other from device to device: the slowest one works on each of them without a pause. Or all work on each. */
    private static double rate(
            List<DeviceShare> shares,
            Split split,
            int steps,
            ToDoubleFunction<DeviceShare> work,
            ToDoubleFunction<DeviceShare> speed) {
        List<Double> seconds = new ArrayList<>();
        double all = 0;
        for (DeviceShare share : shares) {
            all += work.applyAsDouble(share);
            seconds.add(work.applyAsDouble(share) / speed.applyAsDouble(share));
        }
        double slowest = seconds.stream().mapToDouble(Double::doubleValue).max().orElseThrow();
        double first = seconds.stream().mapToDouble(Double::doubleValue).sum();
        return split == Split.TENSOR ? all / slowest : steps * all / (first + (steps - 1) * slowest);
    }

    @Override
    public void close() {
        devices.values().forEach(DeviceLimits::close);
    }
}
