package dev.nibble;

import dev.nibble.device.Devices;
import dev.nibble.device.ImaginedDevice;
import dev.nibble.device.KvRotation;
import dev.nibble.device.KvType;
import dev.nibble.engine.CapacityPlanner;
import dev.nibble.engine.DeviceWork;
import dev.nibble.engine.EngineOptions;
import dev.nibble.model.ModelConfig;
import dev.nibble.model.ModelSource;
import dev.nibble.model.Split;
import dev.nibble.model.TensorRole;
import dev.nibble.model.Weights;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;
import java.util.function.Predicate;

/**
 * How long a token of a generation may take on devices that need not be here: a projection by a model, no measurement. A device takes
 * (bytes of weights + bytes of its cache) / (bandwidth × share) for what it has of the layers, with the share of its bandwidth that was
 * measured, or 1 for the limit. Layer split: the sum over devices, and a copy between two of them. Tensor split: the slowest device, a
 * copy, and two exchanges per layer.
 *
 * @param layers of the model
 * @param denseLayers of them, those without experts
 * @param denseBytes of weights that a token reads in these
 * @param expertBytes that it reads in the others
 * @param outputBytes of the output matrix
 * @param byLayers what each device does where they share the layers
 * @param byTensors what each device does where they have a part of every layer; empty if the model cannot be shared so
 */
public record TokenProjection(
        int layers,
        int denseLayers,
        long denseBytes,
        long expertBytes,
        long outputBytes,
        List<DeviceShare> byLayers,
        List<DeviceShare> byTensors) {
    /** What a copy between two devices, and an exchange between all, is assumed to take: what kernels reach that write to peers. */
    public static final double ASSUMED_EXCHANGE_SECONDS = 10e-6;

    private static final int EXCHANGES_PER_LAYER = 2;
    private static final long ENDLESS = 1L << 44;
    private static final int CONTEXT = 4096;
    private static final int ROWS = 512;

    /** Keeps its own lists. */
    public TokenProjection {
        byLayers = List.copyOf(byLayers);
        byTensors = List.copyOf(byTensors);
    }

    /**
     * Projects a public model's shape onto devices with memory enough.
     *
     * @param shape the name and the types of the weights, e.g. {@code deepseek-r1:ud-iq1_s}
     * @param device the name of one of the devices, e.g. {@code cuda:0}, which need not be here
     * @param devices how many
     */
    public static TokenProjection ofShape(String shape, String device, int devices) {
        ModelSource model = ModelPlan.shape(shape);
        List<ImaginedDevice> imagined = new ArrayList<>();
        for (int i = 0; i < devices; i++) {
            imagined.add(Devices.imagine(device.replaceFirst(":.*", "") + ":" + i, ENDLESS));
        }
        EngineOptions options = new EngineOptions(CONTEXT, CONTEXT, KvType.F16, KvType.F16, KvRotation.AUTO, ROWS);
        return of(new CapacityPlanner(imagined, model.config(), Weights.tensors(model)), options);
    }

    /** Projects what is planned. */
    static TokenProjection of(CapacityPlanner planner, EngineOptions options) {
        ModelConfig config = planner.config();
        int dense = 0;
        for (int layer = 0; layer < config.layers(); layer++) {
            dense += config.isDense(layer) ? 1 : 0;
        }
        return new TokenProjection(
                config.layers(),
                dense,
                bytes(planner, tensor -> tensor.role().perLayer() && config.isDense(tensor.layer())),
                bytes(planner, tensor -> tensor.role().perLayer() && !config.isDense(tensor.layer())),
                bytes(planner, tensor -> tensor.role() == TensorRole.OUTPUT),
                shares(planner.work(options.withSplit(Split.LAYER))),
                byTensors(planner, options));
    }

    private static long bytes(CapacityPlanner planner, Predicate<Weights.Tensor> some) {
        List<Weights.Tensor> tensors = planner.tensors().stream().filter(some).toList();
        return Math.round(Weights.perToken(
                planner.config(),
                tensors,
                tensor -> tensor.bytesOn(planner.devices().getFirst())));
    }

    private static List<DeviceShare> byTensors(CapacityPlanner planner, EngineOptions options) {
        if (planner.devices().size() == 1) {
            return List.of();
        }
        try {
            return shares(planner.work(options.withSplit(Split.TENSOR)));
        } catch (UnsupportedFeatureException e) {
            return List.of(); // The model cannot be split so.
        }
    }

    private static List<DeviceShare> shares(List<DeviceWork> work) {
        return work.stream()
                .map(each -> new DeviceShare(each.device(), each.weightBytes(), each.kvBytes(), each.multiplyAdds()))
                .toList();
    }

    /** Bytes of weights that a token reads. */
    public long bytes() {
        return denseBytes + expertBytes + outputBytes;
    }

    /** Exchanges of a token where devices have a part of every layer. */
    public int exchanges() {
        return EXCHANGES_PER_LAYER * layers;
    }

    /**
     * Seconds of a token where the devices share the layers.
     *
     * @param bytesPerSecond that each device reads at best
     * @param share of that which it reaches
     * @param tokens in the cache
     */
    public double layerSeconds(List<Double> bytesPerSecond, double share, double tokens) {
        double seconds = (byLayers.size() - 1) * ASSUMED_EXCHANGE_SECONDS;
        for (int i = 0; i < byLayers.size(); i++) {
            seconds += seconds(byLayers.get(i), bytesPerSecond.get(i), share, tokens);
        }
        return seconds;
    }

    /** Seconds of a token where the devices have a part of every layer; empty where they cannot. */
    public OptionalDouble tensorSeconds(List<Double> bytesPerSecond, double share, double tokens) {
        double slowest = 0;
        for (int i = 0; i < byTensors.size(); i++) {
            slowest = Math.max(slowest, seconds(byTensors.get(i), bytesPerSecond.get(i), share, tokens));
        }
        return byTensors.isEmpty()
                ? OptionalDouble.empty()
                : OptionalDouble.of(slowest + (1 + exchanges()) * ASSUMED_EXCHANGE_SECONDS);
    }

    private static double seconds(DeviceShare work, double bytesPerSecond, double share, double tokens) {
        return (work.weightBytes() + tokens * work.kvBytes()) / (bytesPerSecond * share);
    }
}
