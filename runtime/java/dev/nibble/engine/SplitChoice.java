package dev.nibble.engine;

import dev.nibble.UnsupportedFeatureException;
import dev.nibble.device.DeviceSpeeds;
import dev.nibble.model.Split;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.stream.Collectors;

/**
 * How several devices are to share a model, where that was left open: the way that fits; if both do, the one in which a token of a
 * generation is estimated to take less time. Layers: the devices read one after another, with a copy between two of them. Parts of every
 * layer: they read at once, and sum up twice per layer.
 *
 * @param split the way
 * @param reason why, one line for people; empty where there was nothing to choose
 */
public record SplitChoice(Split split, String reason) {
    /** Layers are split unless parts of them are faster by this much, as far as such estimates go. */
    private static final double GAIN = 1.2;

    private static final int EXCHANGES_PER_LAYER = 2;
    private static final double GIGA = 1e9;
    private static final double MILLIS = 1e3;
    private static final double MICROS = 1e6;

    /**
     * Chooses.
     *
     * @param planner of the model on its devices
     * @param options with as much of a KV cache as fits
     * @param speeds measures the devices, if that matters; empty where it would say nothing
     */
    public static SplitChoice of(
            CapacityPlanner planner, EngineOptions options, Supplier<Optional<DeviceSpeeds>> speeds) {
        if (planner.devices().size() == 1 || options.split() != Split.AUTO) {
            return new SplitChoice(options.split(), "");
        }
        try {
            boolean parts = planner.fits(options.withSplit(Split.TENSOR));
            boolean layers = planner.fits(options.withSplit(Split.LAYER));
            if (!parts) {
                return new SplitChoice(
                        Split.LAYER, "layer split" + (layers ? ", because parts of every layer do not fit" : ""));
            }
            if (!layers) {
                return new SplitChoice(Split.TENSOR, "tensor split, because whole layers do not fit");
            }
        } catch (UnsupportedFeatureException e) {
            return new SplitChoice(
                    Split.LAYER, "layer split, because parts of every layer cannot be: " + e.getMessage());
        }
        return speeds.get()
                .map(measured -> byTime(planner, options, measured))
                .orElseGet(() -> new SplitChoice(
                        Split.LAYER, "layer split; both fit, and there are no devices here whose times would decide"));
    }

    private static SplitChoice byTime(CapacityPlanner planner, EngineOptions options, DeviceSpeeds speeds) {
        double layers = layerSeconds(planner.work(options.withSplit(Split.LAYER)), options, speeds);
        int exchanges = EXCHANGES_PER_LAYER * planner.config().layers();
        double parts = partSeconds(planner.work(options.withSplit(Split.TENSOR)), options, speeds, exchanges);
        Split split = parts * GAIN < layers ? Split.TENSOR : Split.LAYER;
        return new SplitChoice(
                split,
                String.format(
                        Locale.ROOT,
                        "%s split: a token is estimated to take %.3g ms by layers, %.3g ms by tensors (measured: reads %s GB/s,"
                                + " contention %.2f; a copy %.1f us, an all-reduce %.1f us, %d per token)",
                        split.name().toLowerCase(Locale.ROOT),
                        layers * MILLIS,
                        parts * MILLIS,
                        speeds.bytesPerSecond().stream()
                                .map(speed -> String.format(Locale.ROOT, "%.3g", speed / GIGA))
                                .collect(Collectors.joining(" : ")),
                        speeds.contention(),
                        speeds.copySeconds() * MICROS,
                        speeds.reduceSeconds() * MICROS,
                        exchanges));
    }

    /** One device after another. */
    static double layerSeconds(List<DeviceWork> work, EngineOptions options, DeviceSpeeds speeds) {
        double seconds = (work.size() - 1) * speeds.copySeconds();
        for (int i = 0; i < work.size(); i++) {
            seconds += bytes(work.get(i), options) / speeds.bytesPerSecond().get(i);
        }
        return seconds;
    }

    /** All at once, as far as they do not hold up each other. */
    static double partSeconds(List<DeviceWork> work, EngineOptions options, DeviceSpeeds speeds, int exchanges) {
        double longest = 0;
        double sum = 0;
        for (int i = 0; i < work.size(); i++) {
            double seconds =
                    bytes(work.get(i), options) / speeds.bytesPerSecond().get(i);
            longest = Math.max(longest, seconds);
            sum += seconds;
        }
        double reading = longest + speeds.contention() * (sum - longest);
        return reading + speeds.copySeconds() + exchanges * speeds.reduceSeconds();
    }

    /** With half of a context in the cache. */
    private static double bytes(DeviceWork work, EngineOptions options) {
        return work.weightBytes() + work.kvBytes() * (options.contextLength() / 2.0);
    }
}
