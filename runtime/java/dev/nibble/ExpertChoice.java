package dev.nibble;

import dev.nibble.device.MemoryModel;
import dev.nibble.engine.CapacityPlanner;
import dev.nibble.engine.EngineOptions;
import dev.nibble.model.CpuExperts;
import dev.nibble.model.ExpertConfig;
import dev.nibble.model.ModelConfig;
import dev.nibble.model.Split;
import dev.nibble.model.Weights;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * Where routed experts are: with their layers, or some of them on the CPU, because that was asked for or because the model does not fit
 * otherwise.
 *
 * @param planner of the model on its devices, the CPU among them where experts are there
 * @param options with as much of the KV cache as fits
 * @param reason why experts are on the CPU, for people; empty: none are
 */
record ExpertChoice(CapacityPlanner planner, EngineOptions options, String reason) {
    /**
     * Chooses.
     *
     * @param asked what the user wants
     * @param devices in the order of the layers
     * @param tensors all that the model loads
     * @param wanted the options of an engine, with all experts at their layers
     * @param cpu opens the CPU, or imagines it; called where experts may go there
     * @throws IllegalArgumentException if experts are asked for that are not there, or are on the CPU already
     */
    static ExpertChoice of(
            CpuExperts asked,
            List<? extends MemoryModel> devices,
            ModelConfig config,
            List<Weights.Tensor> tensors,
            EngineOptions wanted,
            Supplier<? extends MemoryModel> cpu) {
        CapacityPlanner planner = new CapacityPlanner(devices, config, tensors);
        if (!asked.automatic() && asked.layers() > 0) {
            int layers = Math.min(asked.layers(), config.layers());
            check(layers, devices, config);
            planner = new CapacityPlanner(devices, cpu.get(), config, tensors);
            EngineOptions placed = planner.fitCache(byLayers(wanted.withCpuExperts(layers)));
            return new ExpertChoice(planner, placed, reason(layers, config) + ", as asked for");
        }
        EngineOptions here = planner.fitCache(wanted);
        boolean impossible = config.experts() == null || wanted.split() == Split.TENSOR || hasProcessor(devices);
        if (!asked.automatic() || impossible || planner.fits(here)) {
            return new ExpertChoice(planner, here, "");
        }
        CapacityPlanner with = new CapacityPlanner(devices, cpu.get(), config, tensors);
        Optional<EngineOptions> placed = with.fitExperts(byLayers(wanted));
        return placed.isEmpty()
                ? new ExpertChoice(planner, here, "")
                : new ExpertChoice(
                        with,
                        placed.get(),
                        reason(placed.get().cpuExperts(), config) + ", because the model does not fit otherwise");
    }

    /** Where nobody said how several devices share the model, they share the layers. */
    private static EngineOptions byLayers(EngineOptions options) {
        return options.split() == Split.AUTO ? options.withSplit(Split.LAYER) : options;
    }

    private static void check(int layers, List<? extends MemoryModel> devices, ModelConfig config) {
        ExpertConfig experts = config.experts();
        if (experts == null) {
            throw new IllegalArgumentException(
                    "--cpu-experts: the model has no routed experts, all its layers are dense; leave it out");
        }
        if (layers <= experts.denseLayers()) {
            throw new IllegalArgumentException("--cpu-experts " + layers + ": the first " + experts.denseLayers()
                    + " layers are dense and have no routed experts; say more than that");
        }
        if (devices.stream().anyMatch(device -> device.name().equals("cpu"))) {
            throw new IllegalArgumentException("--cpu-experts: the CPU is one of the devices already;"
                    + " leave it out of --device, or leave the experts with their layers");
        }
    }

    /** Whether a device has the memory of the CPU. */
    private static boolean hasProcessor(List<? extends MemoryModel> devices) {
        return devices.stream().anyMatch(device -> List.of("cpu", "reference").contains(device.name()));
    }

    private static String reason(int layers, ModelConfig config) {
        return layers == config.layers()
                ? "routed experts of all layers are on the CPU"
                : "routed experts of the first " + layers + " of " + config.layers() + " layers are on the CPU";
    }
}
