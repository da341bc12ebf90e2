package dev.nibble.device.cpu;

import dev.nibble.device.WeightShape;
import dev.nibble.gguf.TensorType;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.IntConsumer;
import jdk.incubator.vector.LongVector;
import jdk.incubator.vector.VectorOperators;

/**
 * Speed of the matrix kernels beside the machine's streaming read, for people. Arguments: threads, rounds, tokens (1,128), types.
 * Run with {@code java --add-modules jdk.incubator.vector -cp target/classes:target/test-classes
 * dev.nibble.device.cpu.MatmulBenchmark 2 5 1,128 Q4_0,Q8_0}.
 */
public final class MatmulBenchmark {
    private static final int[][] SHAPES = Boolean.getBoolean("small")
            ? new int[][] {{Integer.getInteger("r", 512), Integer.getInteger("c", 2048)}}
            : new int[][] {{2048, 2048}, {512, 2048}, {8192, 2048}, {2048, 8192}};

    /** Weights of a type in all: well beyond any cache. */
    private static final long WEIGHTS = Boolean.getBoolean("small") ? 1 : 400_000_000;

    private static final int REPEAT = Boolean.getBoolean("small") ? 200 : 1;

    private static final java.lang.management.ThreadMXBean CLOCK =
            java.lang.management.ManagementFactory.getThreadMXBean();
    private final int threads;
    private final int rounds;
    private final ExecutorService pool;

    private MatmulBenchmark(int threads, int rounds) {
        this.threads = threads;
        this.rounds = rounds;
        this.pool = Executors.newFixedThreadPool(threads, task -> {
            Thread thread = new Thread(task);
            thread.setDaemon(true);
            return thread;
        });
    }

    /** Prints a table. */
    public static void main(String[] arguments) throws Exception {
        MatmulBenchmark benchmark = new MatmulBenchmark(Integer.parseInt(arguments[0]), Integer.parseInt(arguments[1]));
        for (String type : arguments[3].split(",")) {
            benchmark.measure(TensorType.valueOf(type), arguments[2].split(","));
        }
    }

    private void measure(TensorType type, String[] tokens) throws Exception {
        List<PackedMatrix> matrices = new ArrayList<>();
        long values = 0;
        try (Arena arena = Arena.ofShared()) {
            while (values < WEIGHTS) {
                for (int[] shape : SHAPES) {
                    WeightShape form = new WeightShape("w", type, 1, shape[0], shape[1]);
                    values += form.values();
                    matrices.add(new PackedMatrix(form, hugePages(PackedMatrix.packedBytes(form), arena)));
                }
            }
            long start = System.nanoTime();
            for (int i = 0; i < matrices.size(); i++) {
                PackedMatrix matrix = matrices.get(i);
                if (i < SHAPES.length) {
                    RandomWeights weights = RandomWeights.of(matrix.shape(), i);
                    start = i == 0 ? System.nanoTime() : start;
                    onTiles(PackedMatrix.tiles(matrix.shape()), 16, (a, b) -> matrix.pack(weights, a, b));
                } else {
                    matrix.data().copyFrom(matrices.get(i % SHAPES.length).data());
                }
            }
            for (String n : tokens) {
                measure(type, matrices, Integer.parseInt(n));
            }
        }
    }

    private void measure(TensorType type, List<PackedMatrix> matrices, int n) throws Exception {
        int used = n == 1 ? matrices.size() : SHAPES.length;
        List<TiledProduct> products = new ArrayList<>();
        long bytes = 0;
        double flops = 0;
        for (PackedMatrix matrix : matrices.subList(0, used)) {
            ProductCheck.Activations x =
                    ProductCheck.Activations.random(n, matrix.shape().columns(), 1);
            boolean floats = matrix.shape().takesFloats();
            long stride = matrix.shape().rows() * 4L;
            MemorySegment out = Arena.ofAuto().allocate(n * stride, 64);
            products.add(new TiledProduct(
                    matrix,
                    floats ? null : x.quantized(),
                    floats ? x.rows() : null,
                    RowSelection.first(n),
                    new FloatRows(out, stride),
                    null));
            bytes += REPEAT * matrix.data().byteSize();
            flops += 2.0 * REPEAT * n * matrix.shape().values();
        }
        for (int round = -2; round < rounds; round++) {
            double read = n == 1
                    ? bytes
                            / seconds(() -> {
                                for (int k = 0; k < REPEAT; k++) read(matrices);
                            })
                            / 1e9
                    : 0;
            double time = seconds(() -> {
                for (int k = 0; k < REPEAT; k++)
                    for (TiledProduct product : products) {
                        int tiles = PackedMatrix.tiles(product.weight().shape());
                        onTiles(tiles, n == 1 ? Math.ceilDiv(tiles, threads) : 2, product::compute);
                    }
            });
            if (round >= 0) {
                System.out.printf(
                        "%-8s n %3d  %6.1f GFLOP/s  %6.1f GB/s of %5.1f read = %4.2f%n",
                        type, n, flops / time / 1e9, bytes / time / 1e9, read, bytes / time / 1e9 / read);
            }
        }
    }

    private void read(List<PackedMatrix> matrices) {
        try {
            for (PackedMatrix matrix : matrices) {
                int pieces = threads;
                long piece = matrix.data().byteSize() / pieces / 512 * 512;
                onTiles(pieces, 1, (a, b) -> stream(matrix.data(), a * piece, piece));
            }
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    private static volatile long sink;

    private static void stream(MemorySegment data, long from, long bytes) {
        MemorySegment part = data.asSlice(from, bytes);
        LongVector a = LongVector.zero(LongVector.SPECIES_PREFERRED);
        LongVector b = a;
        LongVector c = a;
        LongVector d = a;
        int step = LongVector.SPECIES_PREFERRED.vectorByteSize();
        for (int i = 0; i < (int) bytes; i += 4 * step) {
            a = a.or(LongVector.fromMemorySegment(LongVector.SPECIES_PREFERRED, part, i, Lanes.ORDER));
            b = b.or(LongVector.fromMemorySegment(LongVector.SPECIES_PREFERRED, part, i + step, Lanes.ORDER));
            c = c.or(LongVector.fromMemorySegment(LongVector.SPECIES_PREFERRED, part, i + 2 * step, Lanes.ORDER));
            d = d.or(LongVector.fromMemorySegment(LongVector.SPECIES_PREFERRED, part, i + 3 * step, Lanes.ORDER));
        }
        sink = a.or(b).or(c).or(d).reduceLanes(VectorOperators.OR);
    }

    private interface Tiles {
        void run(int first, int end);
    }

    private interface Work {
        void run() throws Exception;
    }

    private static double seconds(Work work) throws Exception {
        long start = CLOCK.getCurrentThreadCpuTime();
        work.run();
        return (CLOCK.getCurrentThreadCpuTime() - start) / 1e9;
    }

    private void onTiles(int tiles, int grain, Tiles work) throws InterruptedException {
        AtomicInteger next = new AtomicInteger();
        IntConsumer loop = thread -> {
            for (int first = next.getAndAdd(grain); first < tiles; first = next.getAndAdd(grain)) {
                work.run(first, Math.min(tiles, first + grain));
            }
        };
        CountDownLatch done = new CountDownLatch(threads - 1);
        for (int i = 1; i < threads; i++) {
            pool.execute(() -> {
                try {
                    loop.accept(0);
                } finally {
                    done.countDown();
                }
            });
        }
        loop.accept(0);
        done.await();
    }

    /** Memory on 2 MiB pages, where the system allows it. */
    private static MemorySegment hugePages(long bytes, Arena arena) throws ReflectiveOperationException {
        long page = 2 << 20;
        MemorySegment memory = arena.allocate((bytes + page - 1) / page * page, page);
        Linker linker = Linker.nativeLinker();
        try {
            var madvise = linker.downcallHandle(
                    linker.defaultLookup().findOrThrow("madvise"),
                    FunctionDescriptor.of(
                            ValueLayout.JAVA_INT, ValueLayout.ADDRESS, ValueLayout.JAVA_LONG, ValueLayout.JAVA_INT));
            int result = (int) madvise.invokeExact(memory, memory.byteSize(), 14);
            if (result != 0) {
                System.out.println("no huge pages");
            }
        } catch (Throwable e) {
            throw new IllegalStateException(e);
        }
        return memory.asSlice(0, bytes);
    }
}
