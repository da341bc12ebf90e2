package dev.nibble.device.cpu;

import dev.nibble.device.WeightShape;
import dev.nibble.gguf.TensorType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.util.ArrayList;
import java.util.List;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;

/**
 * The speed of the matrix kernels on one thread beside that of a streaming read, for people. Times are those of the processor, so
 * that a busy machine disturbs them less; {@code -Xbatch} makes the compiler finish before a round begins. Arguments: rounds,
 * tokens, types, and millions of weights (1: they stay in the cache). From the project's folder, after {@code mvn test-compile}:
 *
 * <pre>java -Xbatch --add-modules jdk.incubator.vector --enable-native-access=ALL-UNNAMED \
 *     -cp target/classes:target/test-classes dev.nibble.device.cpu.MatmulBenchmark 8 1,128 Q4_0,Q8_0 400</pre>
 */
public final class MatmulBenchmark {
    private static final int[][] SHAPES = {{512, 2048}, {2048, 2048}, {8192, 2048}, {2048, 8192}};
    private static final ThreadMXBean CLOCK = ManagementFactory.getThreadMXBean();

    /** Rounds in which the compiler works, not counted. */
    private static final int WARM_UP = 3;

    private static int sink;

    private MatmulBenchmark() {}

    /** Prints a line for each type and number of tokens: the best round. */
    public static void main(String[] arguments) {
        int rounds = Integer.parseInt(arguments[0]);
        long weights = Long.parseLong(arguments[3]) * 1_000_000;
        for (String type : arguments[2].split(",")) {
            List<PackedMatrix> matrices = matrices(TensorType.valueOf(type), weights);
            for (String tokens : arguments[1].split(",")) {
                measure(type, matrices, Integer.parseInt(tokens), rounds);
            }
        }
        if (sink == 1) {
            System.out.println();
        }
    }

    /** Matrices of all shapes, over and over, until there are enough weights. */
    private static List<PackedMatrix> matrices(TensorType type, long weights) {
        List<PackedMatrix> matrices = new ArrayList<>();
        for (long values = 0; values < weights; ) {
            int[] form = SHAPES[matrices.size() % SHAPES.length];
            WeightShape shape = new WeightShape("w", type, 1, form[0], form[1]);
            if (matrices.size() < SHAPES.length) {
                matrices.add(RandomWeights.of(shape, matrices.size()).packed());
            } else {
                NativeMemory memory =
                        NativeMemory.allocate(PackedMatrix.packedBytes(shape), "a benchmark", true, closed -> {});
                memory.segment()
                        .copyFrom(matrices.get(matrices.size() % SHAPES.length).data());
                matrices.add(new PackedMatrix(shape, memory.segment()));
            }
            values += shape.values();
        }
        return matrices;
    }

    private static void measure(String type, List<PackedMatrix> matrices, int tokens, int rounds) {
        // Several tokens find the weights in the cache anyway.
        List<PackedMatrix> used =
                tokens == 1 ? matrices : matrices.subList(0, Math.min(SHAPES.length, matrices.size()));
        List<TiledProduct> products =
                used.stream().map(matrix -> product(matrix, tokens)).toList();
        long bytes = used.stream().mapToLong(matrix -> matrix.data().byteSize()).sum();
        long values = used.stream().mapToLong(matrix -> matrix.shape().values()).sum();
        int repeat = Math.toIntExact(Math.max(1, 2_000_000_000L / (values * tokens)));
        double fastest = Double.MAX_VALUE;
        double read = Double.MAX_VALUE;
        for (int round = -WARM_UP; round < rounds; round++) {
            double reading = seconds(repeat, () -> used.forEach(MatmulBenchmark::read));
            double time = seconds(
                    repeat,
                    () -> products.forEach(product -> product.compute(
                            0, PackedMatrix.tiles(product.weight().shape()))));
            if (round >= 0) {
                fastest = Math.min(fastest, time);
                read = Math.min(read, reading);
            }
        }
        System.out.printf(
                "%-8s %4d tokens %7.1f GFLOP/s %6.1f GB/s, %4.2f of the read's %5.1f%n",
                type,
                tokens,
                2e-9 * tokens * values / fastest,
                1e-9 * bytes / fastest,
                read / fastest,
                1e-9 * bytes / read);
    }

    private static TiledProduct product(PackedMatrix matrix, int tokens) {
        ProductCheck.Activations x =
                ProductCheck.Activations.random(tokens, matrix.shape().columns(), 1);
        boolean floats = matrix.shape().takesFloats();
        long stride = matrix.shape().rows() * (long) Float.BYTES;
        MemorySegment out = Arena.ofAuto().allocate(tokens * stride, 64);
        return new TiledProduct(
                matrix,
                floats ? null : x.quantized(NativeKernels.chosen()),
                floats ? new FloatActivations(x.rows(), NativeKernels.chosen().orElse(null)) : null,
                RowSelection.first(tokens),
                new FloatRows(out, stride),
                null);
    }

    private static void read(PackedMatrix matrix) {
        MemorySegment data = matrix.data();
        IntVector a = IntVector.zero(Lanes.INTS);
        IntVector b = a;
        int end = (int) data.byteSize() / (2 * Lanes.BYTES) * (2 * Lanes.BYTES);
        for (int i = 0; i < end; i += 2 * Lanes.BYTES) {
            a = a.or(IntVector.fromMemorySegment(Lanes.INTS, data, i, Lanes.ORDER));
            b = b.or(IntVector.fromMemorySegment(Lanes.INTS, data, i + Lanes.BYTES, Lanes.ORDER));
        }
        sink += a.or(b).reduceLanes(VectorOperators.OR);
    }

    private static double seconds(int repeat, Runnable work) {
        long start = CLOCK.getCurrentThreadCpuTime();
        for (int i = 0; i < repeat; i++) {
            work.run();
        }
        return (CLOCK.getCurrentThreadCpuTime() - start) / 1e9 / repeat;
    }
}
