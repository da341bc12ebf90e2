package dev.nibble;

import dev.nibble.device.Devices;
import dev.nibble.device.KvType;
import dev.nibble.device.MemoryModel;
import dev.nibble.engine.CapacityPlanner;
import dev.nibble.engine.EngineOptions;
import dev.nibble.engine.MemoryPlan;
import dev.nibble.model.Split;
import dev.nibble.model.Weights;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;

/**
 * What would make a model fit that does not.
 *
 * @param planner of the model on its devices
 * @param wanted what was asked for
 * @param plans what that would take
 */
record PlanAdvice(CapacityPlanner planner, EngineOptions wanted, List<MemoryPlan> plans) {
    private static final double GIBIBYTE = 1L << 30;

    /** More memory than a processor has: the plan says how much of it is needed. */
    private static final long ENDLESS = 1L << 44;

    /** One line for each thing that would do, the least first; empty if the model fits. */
    List<String> lines() {
        List<String> lines = new ArrayList<>();
        if (MemoryPlan.shortfalls(plans).isEmpty()) {
            return lines;
        }
        split(lines);
        parts(lines);
        smallerCache(lines);
        shorterContext(lines);
        fewerBits(lines);
        experts(lines);
        processor(lines);
        planner.devicesNeeded(wanted)
                .ifPresent(count -> lines.add(count + " devices, the added ones like the last of these"));
        return lines;
    }

    private void split(List<String> lines) {
        if (!wanted.proportions().isEmpty() && planner.fits(wanted.withSplit(List.of(), List.of()))) {
            lines.add("no --tensor-split: layers by free memory fit");
        }
    }

    private void parts(List<String> lines) {
        try {
            if (wanted.split() == Split.LAYER && planner.fits(wanted.withSplit(Split.TENSOR))) {
                lines.add("--split tensor: a part of every layer on each device fits");
            }
        } catch (UnsupportedFeatureException e) {
            return; // The model cannot be split so.
        }
        if (wanted.split() == Split.TENSOR && planner.fits(wanted.withSplit(Split.LAYER))) {
            lines.add("--split layer: whole layers fit");
        }
    }

    private void smallerCache(List<String> lines) {
        KvType now = wanted.keyType();
        Stream.of(KvType.F16, KvType.Q8_0, KvType.Q4_0)
                .filter(type -> type.bits() < now.bits() && planner.canKeep(wanted, type))
                .filter(type -> planner.fits(wanted.withKv(type, type)))
                .findFirst()
                .ifPresent(type ->
                        lines.add("--kv " + type.id() + ": " + wanted.contextLength() + " tokens of context fit then"));
    }

    private void shorterContext(List<String> lines) {
        int tokens = planner.largestContext(wanted).orElse(0);
        if (tokens > 0) {
            lines.add("--ctx " + tokens + ": that much context fits with keys in "
                    + wanted.keyType().id() + " and values in "
                    + wanted.valueType().id());
        }
    }

    /** Only weights can shrink then: to how many bits, if each device has its share. */
    private void fewerBits(List<String> lines) {
        long room = plans.stream()
                .mapToLong(plan -> plan.available() - plan.kvCache() - plan.scratch())
                .sum();
        long bytes = plans.stream().mapToLong(MemoryPlan::weights).sum();
        long values = ModelPlanner.distinct(planner.tensors()).stream()
                .map(Weights.Tensor::source)
                .mapToLong(source -> source.stored().values())
                .sum();
        if (room > 0 && room < bytes) {
            lines.add(String.format(
                    Locale.ROOT,
                    "at most %.2f bits per weight, instead of %.2f: a model file of %.1f GiB",
                    8.0 * room / values,
                    8.0 * bytes / values,
                    room / GIBIBYTE));
        }
    }

    /** Routed experts go to the CPU by themselves where it has the memory: here it has not, or it was told not to. */
    private void experts(List<String> lines) {
        if (planner.config().experts() == null || wanted.split() == Split.TENSOR || hasProcessor()) {
            return;
        }
        MemoryModel cpu = Devices.imagine("cpu", ENDLESS);
        CapacityPlanner with = new CapacityPlanner(planner.devices(), cpu, planner.config(), planner.tensors());
        with.fitExperts(wanted).ifPresent(placed -> {
            MemoryPlan most = with.plan(placed).getLast();
            lines.add(String.format(
                    Locale.ROOT,
                    "--cpu-experts %d: %s on the CPU, %.1f GiB of its memory",
                    placed.cpuExperts(),
                    most.part(),
                    most.total() / GIBIBYTE));
        });
    }

    private boolean hasProcessor() {
        return planner.devices().stream().anyMatch(device -> device.name().equals("cpu"));
    }

    private void processor(List<String> lines) {
        if (hasProcessor()
                || wanted.cpuExperts() > 0
                || planner.devices().size() >= planner.config().layers()) {
            return;
        }
        List<MemoryPlan> with = planner.planWith(Devices.imagine("cpu", ENDLESS), wanted);
        MemoryPlan cpu = with.getLast();
        if (MemoryPlan.shortfalls(with).isEmpty()) {
            lines.add(String.format(
                    Locale.ROOT,
                    "--device %s,cpu: %s on the CPU, %.1f GiB of its memory",
                    String.join(",", plans.stream().map(MemoryPlan::device).toList()),
                    cpu.layers(),
                    cpu.total() / GIBIBYTE));
        }
    }
}
