package dev.nibble.engine;

import dev.nibble.device.KvLayout;
import dev.nibble.device.KvRotation;
import dev.nibble.device.MemoryModel;
import dev.nibble.device.StepForm;
import dev.nibble.model.ExpertConfig;
import dev.nibble.model.LatentConfig;
import dev.nibble.model.LayerRange;
import dev.nibble.model.ModelConfig;
import dev.nibble.model.ModelSource;
import dev.nibble.model.Placement;
import dev.nibble.model.TensorRole;
import dev.nibble.model.TensorShare;
import dev.nibble.model.Weights;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * What an engine is made of, and on which devices: known before anything is allocated.
 *
 * @param config the model's hyperparameters
 * @param limits the largest step
 * @param kvLayout what a layer keeps of a token
 * @param rotation whether keys and values are turned before they are kept
 * @param pages pages of each layer's KV cache
 * @param placement the layers of each device
 * @param reason why they are there, for people
 * @param shares the part of every layer that each device has; empty: they have whole layers
 * @param part which of these parts this is the plan of
 * @param cpuExperts the routed experts of so many layers, from the first on, are on a device of their own
 * @param latentForm how attention over latent vectors is computed
 */
record EnginePlan(
        ModelConfig config,
        StepLimits limits,
        KvLayout kvLayout,
        KvRotation rotation,
        int pages,
        Placement placement,
        String reason,
        List<TensorShare> shares,
        int part,
        int cpuExperts,
        LatentForm latentForm) {
    /** Plans where the layers of a model go: see {@link PlacementChoice}. */
    static EnginePlan of(
            List<? extends MemoryModel> devices,
            ModelConfig config,
            List<Weights.Tensor> tensors,
            EngineOptions options) {
        return new PlacementChoice(devices, config, tensors, options).plan();
    }

    /** This plan, with the layers elsewhere. */
    EnginePlan placed(Placement elsewhere, String why) {
        return new EnginePlan(
                config, limits, kvLayout, rotation, pages, elsewhere, why, List.of(), 0, cpuExperts, latentForm);
    }

    /** The plan of one device. */
    EnginePlan of(int device) {
        if (shares.isEmpty()) {
            return this;
        }
        ModelConfig own = shares.get(device).config(config);
        KvLayout layout = kvLayout.latent()
                ? kvLayout
                : new KvLayout(
                        own.kvHeads(),
                        kvLayout.keySize(),
                        kvLayout.valueSize(),
                        kvLayout.keyType(),
                        kvLayout.valueType(),
                        kvLayout.pageTokens());
        return new EnginePlan(
                own, limits, layout, rotation, pages, placement, reason, shares, device, cpuExperts, latentForm);
    }

    /** The layers that a device has, or has a part of. */
    LayerRange layers(int device) {
        return shares.isEmpty()
                ? placement.ranges().get(device)
                : shares.get(device).layers(config);
    }

    /** What a device sees of a model. */
    ModelSource source(int device, ModelSource whole) {
        return shares.isEmpty() ? whole : shares.get(device).of(whole);
    }

    /** The parts that every layer has. */
    int parts() {
        return Math.max(1, shares.size());
    }

    /** What a device loads, of all that the model has. */
    List<Weights.Tensor> tensors(int device, List<Weights.Tensor> all) {
        List<Weights.Tensor> its = shares.isEmpty()
                ? all.stream().filter(tensor -> needs(layers(device), tensor)).toList()
                : shares.get(device).tensors(config, all);
        return its.stream().filter(this::isOfUse).toList();
    }

    /** Whether a tensor is of use in the form that latent attention has. */
    boolean isOfUse(Weights.Tensor tensor) {
        return tensor.role() != TensorRole.KEY_UP || tiles() != null;
    }

    /** How keys and values are made of latent vectors; none if no step makes any. */
    @Nullable
    TilePlan tiles() {
        return TilePlan.of(this);
    }

    /** Whether layers need a tensor on their own device. */
    boolean needs(LayerRange layers, Weights.Tensor tensor) {
        return layers.need(tensor) && !isForCpu(tensor) && isOfUse(tensor);
    }

    /** Whether a tensor belongs to routed experts that are on a device of their own. */
    boolean isForCpu(Weights.Tensor tensor) {
        return tensor.role().kind() == TensorRole.Kind.EXPERTS && tensor.layer() < cpuExperts;
    }

    /** Whether routed experts are on a device of their own. */
    boolean hasCpuExperts() {
        return !cpuExpertLayers(LayerRange.all(config.layers())).isEmpty();
    }

    /** The layers of some whose routed experts are on a device of their own. */
    List<Integer> cpuExpertLayers(LayerRange layers) {
        return IntStream.range(layers.first(), Math.min(layers.end(), cpuExperts))
                .filter(layer -> !config.isDense(layer))
                .boxed()
                .toList();
    }

    /** Whether some of these layers have their routed experts on the device where they are. */
    boolean hasExperts(LayerRange layers) {
        return IntStream.range(Math.max(layers.first(), cpuExperts), layers.end())
                .anyMatch(layer -> !config.isDense(layer));
    }

    /** What a layer keeps of a token. */
    static KvLayout kvLayout(ModelConfig config, EngineOptions options) {
        LatentConfig latent = config.latent();
        if (latent != null) {
            return new KvLayout(
                    1,
                    latent.turned(),
                    latent.rank(),
                    options.keyType(),
                    options.valueType(),
                    Engine.PAGE_TOKENS,
                    true);
        }
        return new KvLayout(
                config.kvHeads(),
                config.keySize(),
                config.valueSize(),
                options.keyType(),
                options.valueType(),
                Engine.PAGE_TOKENS);
    }

    /** The buffers of a step, and what the device takes for steps. */
    long scratchBytes(MemoryModel device, LayerRange layers) {
        return StepBuffers.estimateBytes(this, layers) + device.workspaceBytes(stepForm());
    }

    private StepForm stepForm() {
        Set<Integer> rowLimits = new HashSet<>(Stage.buckets(limits.rows()));
        rowLimits.addAll(Stage.buckets(limits.outputs()));
        ExpertConfig experts = config.experts();
        TilePlan tiles = tiles();
        return new StepForm(
                rowLimits,
                config.heads(),
                kvLayout,
                (long) limits.pagesPerSequence() * Engine.PAGE_TOKENS,
                experts == null ? 0 : experts.count(),
                experts == null ? 0 : experts.used(),
                tiles == null ? null : tiles.form());
    }

    /** Bytes of the KV cache of one layer. */
    long kvBytes() {
        return pages * kvLayout.pageBytes();
    }

    /** The memory that each device is to give. */
    List<MemoryPlan> memory(List<? extends MemoryModel> devices, List<Weights.Tensor> tensors) {
        List<MemoryPlan> plans = new ArrayList<>();
        for (int i = 0; i < devices.size(); i++) {
            MemoryModel device = devices.get(i);
            LayerRange layers = layers(i);
            EnginePlan own = of(i);
            List<Weights.Tensor> needed = tensors(i, tensors);
            long cache = layers.count() * own.kvBytes();
            long loading = stagingBytes(device, needed) - cache;
            plans.add(new MemoryPlan(
                    device.name(),
                    layers,
                    shares.isEmpty() ? layers.toString() : shares.get(i).describe(config),
                    Weights.bytesOn(device, needed),
                    cache,
                    rotation.describe(kvLayout),
                    Math.max(loading, own.scratchBytes(device, layers)),
                    device.reservedBytes(),
                    device.freeMemory()));
        }
        return plans;
    }

    /** What each device has to do for a token. */
    List<DeviceWork> work(List<? extends MemoryModel> devices, List<Weights.Tensor> tensors) {
        List<DeviceWork> work = new ArrayList<>();
        for (int i = 0; i < devices.size(); i++) {
            MemoryModel device = devices.get(i);
            List<Weights.Tensor> needed = tensors(i, tensors);
            EnginePlan own = of(i);
            double values = Weights.perToken(
                    own.config, needed, tensor -> tensor.source().shape().values());
            long output = needed.stream()
                    .filter(tensor -> tensor.role() == TensorRole.OUTPUT)
                    .mapToLong(tensor -> tensor.source().shape().values())
                    .sum();
            work.add(new DeviceWork(
                    device.name(),
                    Math.round(Weights.perToken(own.config, needed, tensor -> tensor.bytesOn(device))),
                    (long) layers(i).count() * own.kvLayout.tokenBytes(),
                    Math.round(values) - output));
        }
        return work;
    }

    /** The memory of the device that has routed experts alone. */
    MemoryPlan expertsMemory(MemoryModel device, List<Weights.Tensor> tensors) {
        List<Weights.Tensor> needed = tensors.stream().filter(this::isForCpu).toList();
        List<Integer> layers = cpuExpertLayers(LayerRange.all(config.layers()));
        LayerRange range = new LayerRange(layers.getFirst(), layers.getLast() + 1, config.layers(), false);
        long scratch = RoutedExperts.estimateBytes(config, limits.rows()) + device.workspaceBytes(stepForm());
        return new MemoryPlan(
                device.name(),
                range,
                "routed experts of " + range,
                Weights.bytesOn(device, needed),
                0,
                "none",
                Math.max(stagingBytes(device, needed), scratch),
                device.reservedBytes(),
                device.freeMemory());
    }

    /** What is taken while weights are loaded, before there is a cache. */
    private static long stagingBytes(MemoryModel device, List<Weights.Tensor> tensors) {
        return tensors.stream()
                .mapToLong(tensor -> device.stagingBytes(tensor.source().shape()))
                .max()
                .orElse(0);
    }
}
