package dev.nibble.device;

import dev.nibble.gguf.TensorType;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.random.RandomGenerator;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A step on one device, with all its memory: a test declares buffers and operations, then {@link #run} submits the same
 * step once per round, with fresh inputs and poisoned outputs. Two rigs of the same seed get the same contents.
 */
final class Rig implements AutoCloseable {
    /** A NaN that no arithmetic yields, so an output that was never written shows by its bits. */
    private static final int POISON = 0x7fc0_beef;

    private final Device device;
    private final Random random;
    private final List<Cell> cells = new ArrayList<>();
    private final List<Operation> operations = new ArrayList<>();
    private final List<AutoCloseable> resources = new ArrayList<>();
    private final List<Lives> counts = new ArrayList<>();
    private int weights;

    Rig(Device device, long seed) {
        this.device = device;
        random = new Random(seed);
    }

    /** Contents of a buffer in a round, as bits. */
    interface Filler {
        int[] bits(int round, RandomGenerator random);
    }

    /** A buffer that is filled before each round and, as an output of {@code rows}, looked at after it. */
    private record Cell(
            Buffer buffer, Filler filler, @Nullable Lives rows) {}

    /** A row count and its value in each round. */
    private record Lives(RowCount count, int[] lives) {}

    /**
     * What a round left in an output.
     *
     * @param before the bits before the round
     * @param after the bits after it
     * @param product whether a product wrote them
     */
    record Output(String name, ElementType type, int live, int width, int[] before, int[] after, boolean product) {}

    /** A row count that is {@code lives[i]} in round i. */
    RowCount rows(int limit, int... lives) {
        Buffer live = integers(1, 1, (round, rng) -> new int[] {lives[round]});
        RowCount count = new RowCount(live, limit);
        counts.add(new Lives(count, lives));
        return count;
    }

    /** A normally distributed input of all rows, dead ones too. */
    Buffer input(RowCount rows, int width) {
        return floats(rows.limit(), width, 1);
    }

    /** A normally distributed input. */
    Buffer floats(int rows, int width, double deviation) {
        return cell(ElementType.F32, rows, width, (round, rng) -> gaussian(rng, rows * width, deviation), null);
    }

    /** An input of floats. */
    Buffer floats(int rows, int width, Filler filler) {
        return cell(ElementType.F32, rows, width, filler, null);
    }

    /** An input of integers. */
    Buffer integers(int rows, int width, Filler filler) {
        return cell(ElementType.I32, rows, width, filler, null);
    }

    /** An input of integers for each row: rows that are not live get -1, which nothing may use. */
    Buffer integers(RowCount rows, int width, Filler filler) {
        int[] lives = lives(rows).lives;
        return integers(rows.limit(), width, (round, rng) -> {
            int[] values = Arrays.copyOf(filler.bits(round, rng), rows.limit() * width);
            Arrays.fill(values, lives[round] * width, values.length, -1);
            return values;
        });
    }

    /** An input of integers, one per row, each below {@code bound}. */
    Buffer indices(RowCount rows, int bound) {
        return integers(
                rows, 1, (round, rng) -> rng.ints(rows.limit(), 0, bound).toArray());
    }

    /** An output: poisoned before each round. */
    Buffer output(RowCount rows, int width) {
        return output(rows, ElementType.F32, width);
    }

    /** An output of integers: poisoned before each round. */
    Buffer integerOutput(RowCount rows, int width) {
        return output(rows, ElementType.I32, width);
    }

    private Buffer output(RowCount rows, ElementType type, int width) {
        // One row more than the step's limit: it must stay untouched too.
        return cell(type, rows.limit() + 1, width, poison((rows.limit() + 1) * width), lives(rows));
    }

    private static Filler poison(int count) {
        int[] poison = new int[count];
        Arrays.fill(poison, POISON);
        return (round, rng) -> poison;
    }

    /** An input that is an output as well. */
    Buffer inPlace(RowCount rows, int width) {
        int count = (rows.limit() + 1) * width;
        return cell(ElementType.F32, rows.limit() + 1, width, (round, rng) -> gaussian(rng, count, 1), lives(rows));
    }

    /** An input of integers from 0 to 999 that is an output as well. */
    Buffer integersInPlace(RowCount rows, int width) {
        int count = (rows.limit() + 1) * width;
        Filler filler = (round, rng) -> rng.ints(count, 0, 1000).toArray();
        return cell(ElementType.I32, rows.limit() + 1, width, filler, lives(rows));
    }

    /** A buffer between two operations: poisoned before each round, where the host can. */
    Buffer between(ElementType type, RowCount rows, int width) {
        if (type == ElementType.Q8) {
            return keep(device.allocate(type, rows.limit(), width));
        }
        return cell(type, rows.limit(), width, poison(rows.limit() * width), null);
    }

    /** A random weight. */
    Weight weight(TensorType type, WeightUse use, int matrices, int rows, int columns) {
        WeightShape shape = new WeightShape("weight." + weights++, type, matrices, rows, columns);
        return weight(new RandomWeight(shape, random.nextLong()), use);
    }

    Weight weight(WeightSource source, WeightUse use) {
        return keep(device.load(source, use));
    }

    KvPages cache(KvLayout layout, int pages) {
        return keep(device.allocateKv(layout, pages));
    }

    void add(Operation operation) {
        operations.add(operation);
    }

    /** Runs the step {@code rounds} times. */
    List<Output> run(int rounds) {
        Step step = device.prepare(operations);
        List<Output> outputs = new ArrayList<>();
        for (int round = 0; round < rounds; round++) {
            List<int[]> before = new ArrayList<>();
            for (Cell cell : cells) {
                int[] bits = cell.filler.bits(round, random);
                before.add(bits);
                device.queue().write(cell.buffer, 0, MemorySegment.ofArray(bits));
            }
            device.queue().submit(step);
            for (int i = 0; i < cells.size(); i++) {
                Cell cell = cells.get(i);
                if (cell.rows != null) {
                    outputs.add(read(cell, cell.rows.lives[round], "round " + round + ", buffer " + i, before.get(i)));
                }
            }
        }
        return outputs;
    }

    private Output read(Cell cell, int live, String name, int[] before) {
        int[] after = new int[before.length];
        device.queue().read(cell.buffer, 0, MemorySegment.ofArray(after));
        return new Output(name, cell.buffer.type(), live, cell.buffer.width(), before, after, isProduct(cell.buffer));
    }

    private boolean isProduct(Buffer buffer) {
        return operations.stream()
                .flatMap(operation -> switch (operation) {
                    case Operation.Matmul matmul -> matmul.products().stream();
                    case Operation.ExpertMatmul matmul -> matmul.products().stream();
                    default -> Stream.empty();
                })
                .anyMatch(product -> product.out() == buffer);
    }

    private Buffer cell(ElementType type, int rows, int width, Filler filler, @Nullable Lives output) {
        Buffer buffer = keep(device.allocate(type, rows, width));
        cells.add(new Cell(buffer, filler, output));
        return buffer;
    }

    private Lives lives(RowCount rows) {
        return counts.stream().filter(lives -> lives.count == rows).findFirst().orElseThrow();
    }

    private <T extends AutoCloseable> T keep(T resource) {
        resources.add(resource);
        return resource;
    }

    static int[] gaussian(RandomGenerator random, int count, double deviation) {
        int[] bits = new int[count];
        for (int i = 0; i < count; i++) {
            bits[i] = Float.floatToRawIntBits((float) (random.nextGaussian() * deviation));
        }
        return bits;
    }

    static int[] bits(float... values) {
        int[] bits = new int[values.length];
        for (int i = 0; i < bits.length; i++) {
            bits[i] = Float.floatToRawIntBits(values[i]);
        }
        return bits;
    }

    @Override
    public void close() throws Exception {
        for (AutoCloseable resource : resources) {
            resource.close();
        }
    }
}
