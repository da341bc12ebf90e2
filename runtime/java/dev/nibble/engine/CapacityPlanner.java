package dev.nibble.engine;

import dev.nibble.UnsupportedFeatureException;
import dev.nibble.device.ImaginedDevice;
import dev.nibble.device.KvType;
import dev.nibble.device.MemoryModel;
import dev.nibble.model.ModelConfig;
import dev.nibble.model.Weights;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.IntPredicate;
import org.jspecify.annotations.Nullable;

/**
 * Plans a model's memory on devices that need not be there, as {@link Engine#open} would: what each would hold, and what would make a
 * model fit that does not.
 *
 * @param devices in the order of the layers
 * @param cpu what can take routed experts; null: nothing
 * @param config of the model
 * @param tensors all that it loads
 */
public record CapacityPlanner(
        List<? extends MemoryModel> devices,
        @Nullable MemoryModel cpu,
        ModelConfig config,
        List<Weights.Tensor> tensors) {
    /** Contexts beyond this are not looked for. */
    private static final int MOST_TOKENS = 1 << 24;

    private static final int MOST_DEVICES = 16;

    /** Keeps its own lists. */
    public CapacityPlanner {
        devices = List.copyOf(devices);
        tensors = List.copyOf(tensors);
    }

    /** A plan where routed experts are on the devices of their layers. */
    public CapacityPlanner(List<? extends MemoryModel> devices, ModelConfig config, List<Weights.Tensor> tensors) {
        this(devices, null, config, tensors);
    }

    /** The memory of each device, in the order of the layers; last of that which has routed experts alone, if there is one. */
    public List<MemoryPlan> plan(EngineOptions options) {
        EnginePlan plan = enginePlan(options);
        List<MemoryPlan> memory = new ArrayList<>(plan.memory(devices, tensors));
        if (cpu != null && plan.hasCpuExperts()) {
            memory.add(plan.expertsMemory(cpu, tensors));
        }
        return memory;
    }

    /** Why the layers are where the plan has them, for people. */
    public String reason(EngineOptions options) {
        return enginePlan(options).reason();
    }

    /** What each device has to do for a token. */
    public List<DeviceWork> work(EngineOptions options) {
        return enginePlan(options).work(devices, tensors);
    }

    /** Bytes of the KV cache per token, in all layers. */
    public long kvBytesPerToken(EngineOptions options) {
        return config.layers() * EnginePlan.kvLayout(config, options).tokenBytes();
    }

    EnginePlan enginePlan(EngineOptions options) {
        if (options.cpuExperts() > 0 && cpu == null) {
            throw new IllegalArgumentException("routed experts are to be on a device of their own, but there is none");
        }
        return EnginePlan.of(devices, config, tensors, options);
    }

    /** Whether all devices can give what the plan asks of them. */
    public boolean fits(EngineOptions options) {
        return MemoryPlan.fit(plan(options));
    }

    /** The options with as much of their KV cache as fits; as they are if not even one context does. */
    public EngineOptions fitCache(EngineOptions options) {
        if (fits(options)) {
            return options;
        }
        OptionalInt tokens =
                most(options.contextLength(), options.cacheTokens(), cache -> fits(options.withCacheTokens(cache)));
        return tokens.isPresent() ? options.withCacheTokens(tokens.getAsInt()) : options;
    }

    /**
     * The options with the routed experts of as few layers as possible on the CPU, and if it must be less of the KV cache; empty if it does
     * not fit even with all experts there.
     */
    public Optional<EngineOptions> fitExperts(EngineOptions options) {
        int layers = config.layers();
        EngineOptions all = fitCache(options.withCpuExperts(layers));
        if (!fits(all)) {
            return Optional.empty();
        }
        // From some number of layers on, the devices have room for the rest; the fewer are on the CPU, the more room it
        // has.
        OptionalInt stay = most(1, layers, count -> fits(all.withCpuExperts(layers - count)));
        return Optional.of(stay.isPresent() ? all.withCpuExperts(layers - stay.getAsInt()) : all);
    }

    /** The longest context that fits, in whole pages, with as large a cache; empty if none does. */
    public OptionalInt largestContext(EngineOptions options) {
        OptionalInt pages = most(
                1,
                MOST_TOKENS / Engine.PAGE_TOKENS,
                count -> fits(options.withContextLength(count * Engine.PAGE_TOKENS)));
        return pages.isPresent() ? OptionalInt.of(pages.getAsInt() * Engine.PAGE_TOKENS) : pages;
    }

    /** Whether the model's heads can be kept in this type. */
    public boolean canKeep(EngineOptions options, KvType type) {
        try {
            EnginePlan.kvLayout(config, options.withKv(type, type));
            return true;
        } catch (UnsupportedFeatureException e) {
            return false;
        }
    }

    /**
     * How many devices like the last one, together with the others, would hold the model; empty if more than a few, or more than it has
     * layers.
     */
    public OptionalInt devicesNeeded(EngineOptions options) {
        List<MemoryModel> more = new ArrayList<>(devices);
        int most = Math.min(MOST_DEVICES, config.layers());
        while (more.size() < most) {
            more.add(ImaginedDevice.like(devices.getLast(), "another " + more.size()));
            if (new CapacityPlanner(more, cpu, config, tensors).fits(options.withSplit(List.of(), List.of()))) {
                return OptionalInt.of(more.size());
            }
        }
        return OptionalInt.empty();
    }

    /**
     * The plan with the fewest bytes on one more device that takes what the others cannot, its own memory without end.
     *
     * @param last where the layers go that have no room elsewhere
     */
    public List<MemoryPlan> planWith(MemoryModel last, EngineOptions options) {
        List<MemoryModel> more = new ArrayList<>(devices);
        more.add(last);
        List<Double> speeds = new ArrayList<>(devices.stream()
                .map(device -> Math.max(1.0, device.freeMemory()))
                .toList());
        speeds.add(1.0);
        return new CapacityPlanner(more, cpu, config, tensors).plan(options.withSplit(List.of(), speeds));
    }

    /** The largest number of a range for which something holds that holds for no number above one for which it does not. */
    private static OptionalInt most(int least, int most, IntPredicate holds) {
        if (!holds.test(least)) {
            return OptionalInt.empty();
        }
        int good = least;
        int bad = most + 1;
        while (bad - good > 1) {
            int middle = (good + bad) >>> 1;
            if (holds.test(middle)) {
                good = middle;
            } else {
                bad = middle;
            }
        }
        return OptionalInt.of(good);
    }
}
