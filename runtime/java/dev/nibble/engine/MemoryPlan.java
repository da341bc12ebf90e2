package dev.nibble.engine;

import dev.nibble.OutOfCapacityException;
import dev.nibble.model.LayerRange;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * The memory that a model, or its layers there, take on a device, known before anything is allocated.
 *
 * @param device the device's name
 * @param layers the model's layers that it has, or has a part of
 * @param part what it has of them, for people
 * @param weights bytes of their weights in the device's layout
 * @param kvCache bytes of their KV cache
 * @param kvKind how it stores keys and values
 * @param scratch bytes of the activations of the largest step; what weights take on their way, where that is more than this and the cache
 * @param reserved bytes that the device's driver keeps for itself
 * @param available bytes that the device can still give beside these
 */
public record MemoryPlan(
        String device,
        LayerRange layers,
        String part,
        long weights,
        long kvCache,
        String kvKind,
        long scratch,
        long reserved,
        long available) {
    /** The sum. */
    public long total() {
        return weights + kvCache + scratch;
    }

    /**
     * Bytes that are planned and not there, for each device that lacks some. Devices of the same name have their memory in common.
     */
    public static Map<String, Long> shortfalls(List<MemoryPlan> plans) {
        Map<String, Long> missing = new LinkedHashMap<>();
        plans.forEach(plan -> missing.merge(plan.device(), plan.total(), Long::sum));
        Map<String, Long> available =
                plans.stream().collect(Collectors.toMap(MemoryPlan::device, MemoryPlan::available, (one, same) -> one));
        missing.replaceAll((device, total) -> total - available.getOrDefault(device, 0L));
        missing.values().removeIf(bytes -> bytes <= 0);
        return missing;
    }

    /** Whether all devices can give what is planned. */
    static boolean fit(List<MemoryPlan> plans) {
        return shortfalls(plans).isEmpty();
    }

    /**
     * Checks that all devices can give what is planned.
     *
     * @throws OutOfCapacityException with these numbers if one of them cannot
     */
    static void requireFit(List<MemoryPlan> plans) {
        shortfalls(plans).keySet().stream().findFirst().ifPresent(device -> {
            throw new OutOfCapacityException("the model does not fit device " + device + ": " + describe(plans)
                    + "; use a model with fewer bits per weight, a shorter context, or --kv q8_0"
                    + (plans.stream().map(MemoryPlan::device).distinct().count() > 1
                            ? ", or another --tensor-split"
                            : ""));
        });
    }

    /** One line for people: the only plan, or each with its device and layers. */
    public static String describe(List<MemoryPlan> plans) {
        return plans.size() == 1
                ? plans.getFirst().toString()
                : plans.stream()
                        .map(plan -> plan.device() + " (" + plan.part() + "): " + plan)
                        .collect(Collectors.joining("; "));
    }

    @Override
    public String toString() {
        return String.format(
                Locale.ROOT,
                "weights %s + KV cache %s (%s) + scratch %s = %s, available %s",
                mebibytes(weights),
                mebibytes(kvCache),
                kvKind,
                mebibytes(scratch),
                mebibytes(total()),
                mebibytes(available));
    }

    private static String mebibytes(long bytes) {
        return String.format(Locale.ROOT, "%,.1f MiB", bytes / 1048576.0);
    }
}
