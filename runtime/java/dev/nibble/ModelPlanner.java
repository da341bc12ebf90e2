package dev.nibble;

import dev.nibble.ModelPlan.ContextLimit;
import dev.nibble.ModelPlan.DevicePart;
import dev.nibble.ModelPlan.StoredType;
import dev.nibble.device.Device;
import dev.nibble.device.DeviceOptions;
import dev.nibble.device.DeviceSpeeds;
import dev.nibble.device.Devices;
import dev.nibble.device.ImaginedDevice;
import dev.nibble.device.KvType;
import dev.nibble.device.MemoryModel;
import dev.nibble.device.ReadSpeed;
import dev.nibble.device.Resources;
import dev.nibble.engine.CapacityPlanner;
import dev.nibble.engine.EngineOptions;
import dev.nibble.engine.MemoryPlan;
import dev.nibble.engine.SplitChoice;
import dev.nibble.gguf.GgufFile;
import dev.nibble.gguf.TensorType;
import dev.nibble.model.GgufModel;
import dev.nibble.model.LayerRange;
import dev.nibble.model.ModelSource;
import dev.nibble.model.TensorRole;
import dev.nibble.model.Weights;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.BiFunction;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Makes the plan of a model.
 *
 * @param options on what it is to run, and how
 * @param memory of devices that need not be here, and one more, of the CPU for routed experts; empty: they are opened and asked
 */
record ModelPlanner(ModelOptions options, List<Long> memory) {
    ModelPlanner {
        memory = List.copyOf(memory);
    }

    ModelPlan plan(Path path) throws IOException {
        GgufFile file = GgufFile.open(path);
        try {
            return plan(new GgufModel(file));
        } finally {
            file.close();
        }
    }

    ModelPlan plan(ModelSource source) {
        checkMemory(source.config().experts() != null && options.cpuExperts().layers() != 0);
        try (Resources opened = new Resources()) {
            if (memory.isEmpty()) {
                DeviceOptions form = new DeviceOptions(options.threads(), options.arithmetic());
                List<Device> devices = options.devices().stream()
                        .map(name -> opened.own(Devices.open(name, form)))
                        .toList();
                return plan(
                        source,
                        devices,
                        options.tensorSplit().isEmpty() ? ReadSpeed.of(devices) : List.of(),
                        List.of(),
                        () -> cpu(opened),
                        (planner, fitting) -> choice(planner, devices, fitting));
            }
            List<ImaginedDevice> devices = new ArrayList<>();
            for (int i = 0; i < options.devices().size(); i++) {
                devices.add(Devices.imagine(options.devices().get(i), memory.get(i)));
            }
            List<Double> speeds = devices.stream().map(ImaginedDevice::speed).toList();
            return plan(
                    source,
                    devices,
                    speeds.stream().distinct().count() == 1 ? List.of() : speeds,
                    speeds,
                    () -> cpu(opened),
                    (planner, fitting) -> SplitChoice.of(planner, fitting, Optional::empty));
        }
    }

    /** How devices that are here are to share a model, which is measured if it is left open. */
    static SplitChoice choice(CapacityPlanner planner, List<Device> devices, EngineOptions fitting) {
        return SplitChoice.of(
                planner,
                fitting,
                () -> devices.stream().anyMatch(Device::isSimulated)
                        ? Optional.empty()
                        : Optional.of(DeviceSpeeds.of(devices, planner.config().width())));
    }

    /** @param experts whether some may go to the CPU */
    private void checkMemory(boolean experts) {
        int more = memory.size() - options.devices().size();
        if (!memory.isEmpty() && more != 0 && !(more == 1 && experts)) {
            throw new IllegalArgumentException("the memory of " + memory.size() + " devices is given, but "
                    + options.devices().size() + " are named: " + String.join(",", options.devices())
                    + (experts ? "; one more would be that of the CPU, for routed experts" : ""));
        }
    }

    /** The CPU for routed experts: imagined where its memory is given, else this machine's. */
    private MemoryModel cpu(Resources opened) {
        return memory.size() > options.devices().size()
                ? Devices.imagine("cpu", memory.getLast())
                : opened.own(Devices.open("cpu", new DeviceOptions(options.threads(), options.arithmetic())));
    }

    private ModelPlan plan(
            ModelSource source,
            List<? extends MemoryModel> devices,
            List<Double> speeds,
            List<Double> assumed,
            Supplier<MemoryModel> cpu,
            BiFunction<CapacityPlanner, EngineOptions, SplitChoice> chooser) {
        List<Weights.Tensor> tensors = Weights.tensors(source);
        ExpertChoice experts = ExpertChoice.of(
                options.cpuExperts(),
                devices,
                source.config(),
                tensors,
                options.engineOptions(source.config(), speeds),
                cpu);
        CapacityPlanner planner = experts.planner();
        EngineOptions open = experts.options();
        SplitChoice choice = chooser.apply(planner, open);
        EngineOptions wanted = open.withSplit(choice.split());
        List<MemoryPlan> plans = planner.plan(wanted);
        return new ModelPlan(
                source.metadata()
                        .stringOr("general.name", source.config().architecture().id()),
                types(tensors),
                wanted.contextLength(),
                source.config().contextLength(),
                wanted.cacheTokens(),
                wanted.rows(),
                wanted.keyType(),
                wanted.valueType(),
                planner.kvBytesPerToken(wanted),
                plans.stream().map(plan -> part(plan, tensors)).toList(),
                Stream.of(planner.reason(wanted), choice.reason(), experts.reason())
                        .filter(reason -> !reason.isEmpty())
                        .collect(Collectors.joining("; ")),
                MemoryPlan.shortfalls(plans),
                contexts(planner, open),
                assumed.isEmpty() || !experts.reason().isEmpty()
                        ? null
                        : new ModelPlan.Projection(TokenProjection.of(planner, wanted), assumed),
                new PlanAdvice(planner, wanted, plans).lines());
    }

    private static List<StoredType> types(List<Weights.Tensor> tensors) {
        return distinct(tensors).stream()
                .map(tensor -> tensor.source().stored())
                .collect(Collectors.toMap(
                        shape -> shape.type(),
                        shape -> new StoredType(
                                shape.type().name().toLowerCase(Locale.ROOT),
                                1,
                                shape.values(),
                                shape.bytes(),
                                shape.values() * nominalBits(shape.type()) / 8),
                        ModelPlanner::sum))
                .values()
                .stream()
                .sorted(Comparator.comparingLong(StoredType::bytes).reversed())
                .toList();
    }

    private static StoredType sum(StoredType one, StoredType other) {
        return new StoredType(
                one.type(),
                one.tensors() + other.tensors(),
                one.weights() + other.weights(),
                one.bytes() + other.bytes(),
                one.nominalBytes() + other.nominalBytes());
    }

    /** The number in the name of a type: bits of a weight without its part of scales. */
    private static int nominalBits(TensorType type) {
        return Integer.parseInt(type.name().replaceFirst("^\\D+(\\d+).*", "$1"));
    }

    /** The tensors of the file, each for one of its uses: a token embedding may be the output matrix as well. */
    static Collection<Weights.Tensor> distinct(List<Weights.Tensor> tensors) {
        return tensors.stream()
                .collect(Collectors.toMap(
                        tensor -> tensor.source().stored().name(), tensor -> tensor, (first, second) -> first))
                .values();
    }

    private static DevicePart part(MemoryPlan plan, List<Weights.Tensor> tensors) {
        LayerRange layers = plan.layers();
        boolean outputIsTable = tensors.stream()
                .filter(tensor -> tensor.role() == TensorRole.OUTPUT)
                .anyMatch(tensor -> tensor.source().shape().name().equals(TensorRole.TOKEN_EMBEDDING.tensorName(0)));
        String holds = Stream.of(
                        layers.beginsModel() ? "token embedding" : "",
                        plan.part(),
                        layers.endsModel()
                                ? "output norm and "
                                        + (outputIsTable ? "the token embedding as output" : "output matrix")
                                : "")
                .filter(part -> !part.isEmpty())
                .collect(Collectors.joining(", "));
        return new DevicePart(
                plan.device(),
                holds,
                layers.first(),
                layers.count(),
                plan.weights(),
                plan.kvCache(),
                plan.scratch(),
                plan.reserved(),
                plan.available());
    }

    private static List<ContextLimit> contexts(CapacityPlanner planner, EngineOptions wanted) {
        return Stream.of(KvType.values())
                .filter(type -> planner.canKeep(wanted, type))
                .map(type -> new ContextLimit(
                        type, planner.largestContext(wanted.withKv(type, type)).orElse(0)))
                .toList();
    }
}
