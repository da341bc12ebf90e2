package dev.nibble.engine;

import dev.nibble.UnsupportedFeatureException;
import dev.nibble.device.MemoryModel;
import dev.nibble.model.LayerRange;
import dev.nibble.model.ModelConfig;
import dev.nibble.model.Placement;
import dev.nibble.model.Split;
import dev.nibble.model.TensorShare;
import dev.nibble.model.Weights;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * Chooses where the layers of a model go, or the parts of each, and how large steps are.
 *
 * @param devices in the order of the layers
 * @param config the model's hyperparameters
 * @param tensors all that the model has
 * @param options what was asked for
 */
record PlacementChoice(
        List<? extends MemoryModel> devices, ModelConfig config, List<Weights.Tensor> tensors, EngineOptions options) {
    private static final double GIGABYTE = 1e9;
    private static final int MOST_SLOTS = 64;
    private static final long LOGITS_BYTES = 32L << 20;
    private static final int LEAST_OUTPUTS = 8;

    /** Steps are not made smaller than this for the sake of several devices: weights are read once per step. */
    private static final int LEAST_ROWS = 128;

    /** Where it is memory that lacks, keys and values are not made of latent vectors, which takes some more. */
    EnginePlan plan() {
        EnginePlan plan = bySplit();
        if (options.latentForm() != LatentForm.AUTO || plan.tiles() == null || fits(plan)) {
            return plan;
        }
        EngineOptions absorbed = options.withLatentForm(LatentForm.ABSORBED);
        return new PlacementChoice(devices, config, tensors, absorbed).bySplit();
    }

    private boolean fits(EnginePlan plan) {
        return MemoryPlan.fit(plan.memory(devices, tensors));
    }

    private EnginePlan bySplit() {
        boolean several = devices.size() > 1;
        if (several && options.split() == Split.TENSOR) {
            requireExpertsHere();
            return byTensors();
        }
        EnginePlan layers = byLayers();
        if (!several || options.split() == Split.LAYER || options.cpuExperts() > 0 || fits(layers)) {
            return layers;
        }
        try {
            EnginePlan parts = byTensors();
            return fits(parts) ? parts : layers;
        } catch (UnsupportedFeatureException e) {
            return layers; // The model cannot be split so.
        }
    }

    private void requireExpertsHere() {
        if (options.cpuExperts() > 0) {
            throw new UnsupportedFeatureException(
                    "--cpu-experts and --split tensor: the parts of a layer are summed up on"
                            + " the devices that have them, routed experts on the CPU among none of them; use --split layer");
        }
    }

    private EnginePlan whole(int pipelined, String reason, List<TensorShare> shares) {
        return new EnginePlan(
                config,
                limits(pipelined),
                EnginePlan.kvLayout(config, options),
                options.rotation(),
                Math.ceilDiv(options.cacheTokens(), Engine.PAGE_TOKENS),
                new Placement(List.of(LayerRange.all(config.layers()))),
                reason,
                shares,
                0,
                options.cpuExperts(),
                options.latentForm());
    }

    /** Several devices have smaller steps, so that a prompt has one for each of them: they work on one after the other. */
    private StepLimits limits(int pipelined) {
        int most = (int) Math.min(options.rows(), (long) options.contextLength() * MOST_SLOTS);
        int rows = Math.max(Math.min(most, LEAST_ROWS), Math.ceilDiv(most, pipelined));
        long outputs = LOGITS_BYTES / ((long) config.vocabulary() * Float.BYTES);
        int pages = Math.ceilDiv(options.contextLength(), Engine.PAGE_TOKENS);
        return new StepLimits(rows, (int) Math.clamp(outputs, Math.min(LEAST_OUTPUTS, rows), rows), MOST_SLOTS, pages);
    }

    /** Equal parts, or as it was asked for, or by speed; where that does not fit, by free memory. */
    private EnginePlan byTensors() {
        List<Double> equal = Collections.nCopies(devices.size(), 1.0);
        List<Double> shares = !options.proportions().isEmpty()
                ? options.proportions()
                : options.speeds().isEmpty() ? equal : options.speeds();
        EnginePlan plan = byTensors(shares);
        if (!options.proportions().isEmpty() || fits(plan)) {
            return plan;
        }
        EnginePlan other = byTensors(devices.stream()
                .map(device -> Math.max(1.0, device.freeMemory()))
                .toList());
        return fits(other) ? other : plan;
    }

    private EnginePlan byTensors(List<Double> proportions) {
        return whole(1, "each device has a part of every layer", TensorShare.split(config, tensors, proportions));
    }

    private EnginePlan byLayers() {
        EnginePlan whole = whole(
                devices.size(),
                options.cpuExperts() > 0 ? "one device has all layers" : "one device has the whole model",
                List.of());
        if (devices.size() == 1) {
            return whole;
        }
        if (!options.proportions().isEmpty()) {
            return whole.placed(
                    Placement.byProportions(config.layers(), options.proportions()),
                    "layers are split in the proportions that were asked for, " + text(options.proportions()));
        }
        boolean measured = !options.speeds().isEmpty();
        return whole.placed(
                Placement.byMemory(rooms(whole)),
                measured
                        ? "layers follow the speeds at which the devices read weights, "
                                + text(options.speeds().stream()
                                        .map(speed -> speed / GIGABYTE)
                                        .toList())
                                + " GB/s, as far as free memory allows"
                        : "layers follow the free memory of the devices");
    }

    private static String text(List<Double> numbers) {
        return numbers.stream()
                .map(number -> String.format(Locale.ROOT, number < 1 ? "%.2g" : "%.0f", number))
                .collect(Collectors.joining(" : "));
    }

    /** What each device can take; those that have their memory in common, an equal share of it. */
    private List<Placement.Room> rooms(EnginePlan whole) {
        Map<String, Long> sharers =
                devices.stream().collect(Collectors.groupingBy(MemoryModel::name, Collectors.counting()));
        List<Placement.Room> rooms = new ArrayList<>();
        for (int i = 0; i < devices.size(); i++) {
            MemoryModel device = devices.get(i);
            boolean begins = i == 0;
            boolean ends = i == devices.size() - 1;
            LayerRange range = ends ? LayerRange.all(config.layers()) : new LayerRange(0, 1, config.layers() + 1);
            long fixed = whole.scratchBytes(device, range);
            List<Long> layers = new ArrayList<>(Collections.nCopies(config.layers(), whole.kvBytes()));
            for (Weights.Tensor tensor : tensors) {
                if (whole.isForCpu(tensor) || !whole.isOfUse(tensor)) {
                    continue;
                }
                if (tensor.role().perLayer()) {
                    layers.set(tensor.layer(), layers.get(tensor.layer()) + tensor.bytesOn(device));
                } else if (tensor.role().atEnd() ? ends : begins) {
                    fixed += tensor.bytesOn(device);
                }
            }
            long free = device.freeMemory() / sharers.get(device.name());
            double weight = options.speeds().isEmpty() ? free : options.speeds().get(i);
            rooms.add(new Placement.Room(free, weight, fixed, layers));
        }
        return rooms;
    }
}
