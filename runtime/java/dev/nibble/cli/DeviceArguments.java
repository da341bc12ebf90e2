package dev.nibble.cli;

import dev.nibble.DeviceInfo;
import dev.nibble.ModelOptions;
import dev.nibble.UnsupportedFeatureException;
import dev.nibble.device.Arithmetic;
import dev.nibble.device.KvRotation;
import dev.nibble.device.KvType;
import dev.nibble.model.CpuExperts;
import dev.nibble.model.Split;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** On what a model runs, and how it keeps its context there. */
public final class DeviceArguments {
    private static final String AUTO = "auto";

    @Option(
            names = "--device",
            split = ",",
            defaultValue = AUTO,
            paramLabel = "DEVICE",
            description = "auto, or a device that `nibble devices` lists: cpu, reference. Several share the layers of "
                    + "the model, in this order. Default: ${DEFAULT-VALUE}.")
    private List<String> devices;

    @Option(
            names = "--split",
            paramLabel = "KIND",
            description =
                    "How several devices share a model: layer (each has some of the layers), tensor (each has a part of every "
                            + "layer), auto (the default: what fits, and of both the one that is faster by the devices' measured speeds).")
    private @Nullable Split split;

    @Option(
            names = "--tensor-split",
            split = ",",
            paramLabel = "N",
            description =
                    "The proportions of the layers, or of each layer, that each of several devices gets, for example 3,1; "
                            + "by default as their free memory and speed allow.")
    private @Nullable List<Double> tensorSplit;

    @Option(
            names = "--cpu-experts",
            arity = "0..1",
            fallbackValue = "all",
            paramLabel = "LAYERS",
            description =
                    "Keeps routed experts on the CPU while all else of their layers is on the devices: those of the first LAYERS "
                            + "layers, or of all; none; auto (the default: as few as let the model fit).")
    private @Nullable String cpuExperts;

    @Option(
            names = "--threads",
            paramLabel = "N",
            description =
                    "Threads of each device on the CPU; by default one per processor. Such devices work in turns.")
    private @Nullable Integer threads;

    @Option(
            names = "--kv",
            paramLabel = "TYPE",
            description = "Storage of the KV cache: f16 (the default), f32, q8_0, q4_0.")
    private @Nullable String kv;

    @Option(names = "--kv-k", paramLabel = "TYPE", description = "Storage of the keys alone.")
    private @Nullable String keys;

    @Option(names = "--kv-v", paramLabel = "TYPE", description = "Storage of the values alone.")
    private @Nullable String values;

    @Option(
            names = "--kv-rotation",
            paramLabel = "WHAT",
            description =
                    "Whether keys and values are turned by a Hadamard transform before they are stored: auto (the "
                            + "default) for those of types that gain by it, off, keys, values, both. It does not help "
                            + "models with attention sinks: they keep their quality with f16 only.")
    private @Nullable String rotation;

    @Option(
            names = "--arithmetic",
            paramLabel = "KIND",
            description = "How linear layers are computed: block-int8 (the default), fixed-point (integers from input "
                    + "to output, on cpu and reference), exact (float32 activations, on reference).")
    private @Nullable String arithmetic;

    /** Whether a line shall say what runs where: not where one device was named. */
    boolean wantsReport() {
        return automatic() || devices.size() > 1;
    }

    /** Whether the choice of the device is left to the program. */
    public boolean automatic() {
        return devices.equals(List.of(AUTO));
    }

    /** Whether it was said how the context is stored. */
    public boolean choosesContext() {
        return kv != null || keys != null || values != null;
    }

    /** Options for a model on these devices; {@code auto} takes the default, if there is one. */
    public ModelOptions.Builder options(@Nullable String automaticChoice) {
        checkKinds();
        ModelOptions.Builder builder = ModelOptions.builder();
        builder.devices(
                automatic() && automaticChoice != null
                        ? new String[] {automaticChoice}
                        : devices.toArray(String[]::new));
        if (tensorSplit != null) {
            builder.tensorSplit(
                    tensorSplit.stream().mapToDouble(Double::doubleValue).toArray());
        }
        if (split != null) {
            builder.split(split);
        }
        if (cpuExperts != null) {
            builder.cpuExperts(CpuExperts.ofText(cpuExperts));
        }
        if (threads != null) {
            builder.threads(positive(threads));
        }
        builder.arithmetic(arithmetic());
        if (kv != null) {
            builder.kvCache(KvType.ofId(kv));
        }
        if (keys != null) {
            builder.keyCache(KvType.ofId(keys));
        }
        if (values != null) {
            builder.valueCache(KvType.ofId(values));
        }
        if (rotation != null) {
            builder.rotation(KvRotation.ofId(rotation));
        }
        return builder;
    }

    /** How linear layers shall be computed. */
    Arithmetic arithmetic() {
        return arithmetic == null ? Arithmetic.BLOCK_INT8 : Arithmetic.ofId(arithmetic);
    }

    /** Refuses to compute in two ways at once. */
    void requireDefaultArithmetic(String other) {
        if (arithmetic != null) {
            throw new IllegalArgumentException(
                    other + " and --arithmetic " + arithmetic + " both say how to compute: leave one out");
        }
    }

    private void checkKinds() {
        if (automatic()) {
            return;
        }
        Set<String> kinds = new TreeSet<>();
        DeviceInfo.all().forEach(device -> kinds.add(kind(device.name())));
        for (String device : devices) {
            if (!device.equals(AUTO) && !kinds.contains(kind(device))) {
                throw new UnsupportedFeatureException("device " + device
                        + ": there is no such kind of device; there are " + String.join(", ", kinds));
            }
        }
    }

    private static String kind(String device) {
        return device.replaceFirst(":.*", "");
    }

    private static int positive(int threads) {
        if (threads < 1) {
            throw new IllegalArgumentException("--threads must be 1 or more; given " + threads);
        }
        return threads;
    }
}
