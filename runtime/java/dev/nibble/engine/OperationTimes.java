package dev.nibble.engine;

import dev.nibble.device.Buffer;
import dev.nibble.device.Device;
import dev.nibble.device.Operation;
import dev.nibble.device.OperationCost;
import dev.nibble.device.Resources;
import dev.nibble.device.Step;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.function.ToIntFunction;

/**
 * Times the operations of a step by themselves, on what the step left in its buffers. Those of the same cost, which the layers have one
 * each of, are one measurement: so weights come from memory, as they do in the step.
 */
final class OperationTimes implements AutoCloseable {
    /** What is shorter is repeated, or the time to start and to await it would count. */
    private static final double LEAST_SECONDS = 2e-3;

    private static final int MOST_REPEATS = 64;
    private static final int STARTS = 9;

    /** Of the first runs of a step, a device may make one the preparation of those that follow. */
    private static final int WARM_UPS = 3;

    private static final double NANOS = 1e9;

    private final Resources resources = new Resources();
    private final Device device;
    private final List<Operation> operations;
    private final Buffer awaited;
    private final Step whole;
    private final double start;

    /** What makes operations one measurement. */
    private record Kind(OperationCost cost, int rows) {}

    /**
     * Prepares the measurement of a step.
     *
     * @param operations the step, whose inputs are in its buffers
     * @param awaited a buffer to read a value of
     */
    OperationTimes(Device device, List<Operation> operations, Buffer awaited) {
        this.device = device;
        this.operations = operations;
        this.awaited = awaited;
        this.whole = prepare(operations);
        this.start = median(prepare(List.of()), STARTS);
    }

    /**
     * Measures all operations.
     *
     * @param liveRows the live rows of an operation
     * @param depth tokens in the cache before them
     * @param repetitions how often each is timed; the median counts
     */
    List<OperationTime> measure(ToIntFunction<Operation> liveRows, int depth, int repetitions) {
        Map<Kind, List<Operation>> kinds = new LinkedHashMap<>();
        for (Operation operation : operations) {
            int rows = liveRows.applyAsInt(operation);
            Kind kind = new Kind(OperationCost.of(operation, rows, depth), rows);
            kinds.computeIfAbsent(kind, key -> new ArrayList<>()).add(operation);
        }
        List<OperationTime> times = new ArrayList<>();
        kinds.forEach((kind, same) -> times.add(new OperationTime(
                device.name(), kind.cost, kind.rows, same.size(), seconds(alone(same), repetitions))));
        return times;
    }

    /** The same operations, but for gates that work in place: those would find their own results the next time. */
    private List<Operation> alone(List<Operation> same) {
        if (!(same.getFirst() instanceof Operation.Gate first)) {
            return same;
        }
        Buffer out = resources.own(device.allocate(
                first.out().type(), first.out().rows(), first.out().width()));
        return Collections.nCopies(
                same.size(), new Operation.Gate(first.rows(), first.activation(), first.gate(), first.up(), out));
    }

    private double seconds(List<Operation> same, int repetitions) {
        Step once = prepare(same);
        double first = median(once, WARM_UPS);
        int repeats = (int) Math.clamp(Math.ceil(LEAST_SECONDS / first), 1, MOST_REPEATS);
        List<Operation> repeated = new ArrayList<>();
        for (int i = 0; i < repeats; i++) {
            repeated.addAll(same);
        }
        Step step = repeats == 1 ? once : prepare(repeated);
        median(step, WARM_UPS);
        return Math.max(0, median(step, repetitions) - start) / repeated.size();
    }

    private Step prepare(List<Operation> some) {
        return resources.own(device.prepare(some));
    }

    /**
     * Runs a step some times, each after the whole step, which restores what operations in place change. The device's own clock counts,
     * where it has one.
     */
    private double median(Step step, int times) {
        double[] seconds = new double[times];
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment value = arena.allocate(ValueLayout.JAVA_INT);
            for (int i = 0; i < times; i++) {
                device.queue().submit(whole);
                device.queue().read(awaited, 0, value);
                OptionalDouble time = device.queue().time(step);
                seconds[i] = time.isPresent() ? time.getAsDouble() : wallTime(step, value);
            }
        }
        Arrays.sort(seconds);
        return seconds[times / 2];
    }

    private double wallTime(Step step, MemorySegment value) {
        long begin = System.nanoTime();
        device.queue().submit(step);
        device.queue().read(awaited, 0, value);
        return (System.nanoTime() - begin) / NANOS;
    }

    @Override
    public void close() {
        resources.close();
    }
}
