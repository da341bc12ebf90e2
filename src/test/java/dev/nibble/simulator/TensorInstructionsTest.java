package dev.nibble.simulator;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.nibble.foreign.CudaException;
import dev.nibble.foreign.CudaSimulator;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Objects;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Instructions of tensor cores in the CUDA simulator: fragments from shared memory, and products of matrices. */
@ExtendWith(NeedsCudaSimulator.class)
class TensorInstructionsTest {
    private static final int WARPS = 3;
    private static final int THREADS = 32 * WARPS;
    private static final int WORDS = 16;

    /** Copies 512 bytes from p1 to {@code tile}, and gives its address in %r20; %d4: 64 bytes of results of each thread. */
    private static final String TILE = """
                .shared .align 16 .b8 tile[512];
                mov.u32 %r20, tile;
                and.b32 %r21, %r1, 31;
                shl.b32 %r22, %r21, 4;
                mul.wide.u32 %d3, %r21, 16;
                add.s64 %d3, %d1, %d3;
                ld.global.v4.u32 {%r4, %r5, %r6, %r7}, [%d3];
                setp.lt.u32 %p0, %r1, 32;
                add.u32 %r23, %r20, %r22;
                @%p0 st.shared.v4.u32 [%r23], {%r4, %r5, %r6, %r7};
                bar.sync 0;
                mul.wide.u32 %d4, %r1, 64;
                add.s64 %d4, %d0, %d4;
            """;

    /** Rows are taken in an order of their own: lane i has the address of row 5 * i + 3, so that every lane's counts. */
    private static final String ROWS = """
                mad.lo.u32 %r24, %r21, 5, 3;
                and.b32 %r24, %r24, 31;
                shl.b32 %r24, %r24, 4;
                add.u32 %r24, %r20, %r24;
            """;

    @ParameterizedTest
    @CsvSource({"1, false", "2, false", "4, false", "1, true", "2, true", "4, true"})
    void matricesAreLoaded(int count, boolean transposed) {
        byte[] tile = new byte[512];
        new SplittableRandom(count).nextBytes(tile);
        String registers = "%r8, %r9, %r10, %r11".substring(0, count == 1 ? 3 : count == 2 ? 8 : 20);
        String body = TILE
                + ROWS
                + "ldmatrix.sync.aligned.m8n8.x%d%s.shared.b16 {%s}, [%%r24];\n"
                        .formatted(count, transposed ? ".trans" : "", registers)
                + "st.global.v4.u32 [%d4], {%r8, %r9, %r10, %r11};\n";
        String clear = "mov.u32 %r8, 7; mov.u32 %r9, 7; mov.u32 %r10, 7; mov.u32 %r11, 7;\n";
        try (SimulatedGpu gpu = new SimulatedGpu()) {
            long results = gpu.zeros(64 * THREADS);
            gpu.run(gpu.kernel(PtxText.kernel(clear + body), "test"), 1, THREADS, 0, results, gpu.buffer(tile), 0);
            MemorySegment found = gpu.read(results, 64L * THREADS);
            MemorySegment halves = MemorySegment.ofArray(tile);
            for (int thread = 0; thread < THREADS; thread++) {
                for (int i = 0; i < 8; i++) {
                    int line = thread % 32 / 4;
                    int place = thread % 4 * 2 + i % 2;
                    int row = (5 * (i / 2 * 8 + (transposed ? place : line)) + 3) % 32;
                    short loaded =
                            halves.get(JAVA_SHORT.withByteAlignment(1), 16L * row + 2 * (transposed ? line : place));
                    short expected = i / 2 < count ? loaded : (short) (i % 2 == 0 ? 7 : 0);
                    assertEquals(expected, found.get(JAVA_SHORT, 64L * thread + 2 * i), "thread " + thread + ", " + i);
                }
            }
        }
    }

    private static void fails(String body, String... words) {
        CudaSimulator simulator = new CudaSimulator();
        simulator.fail("");
        try (SimulatedGpu gpu = new SimulatedGpu()) {
            long kernel = gpu.kernel(PtxText.kernel(body), "test");
            long results = gpu.zeros(64 * THREADS);
            long tile = gpu.zeros(512);
            assertThrows(CudaException.class, () -> gpu.run(kernel, 1, THREADS, 0, results, tile, 0));
        }
        String message = simulator.message();
        for (String word : words) {
            assertTrue(message.contains(word), () -> "'" + word + "' is missing in: " + message);
        }
    }

    private static final String LOAD = "ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%r8, %r9, %r10, %r11}, ";

    @Test
    void rowsMustBeAligned() {
        fails(
                TILE + ROWS + "setp.eq.u32 %p1, %r21, 17; @%p1 add.u32 %r24, %r24, 8;\n" + LOAD + "[%r24];",
                "shared load of 16 bytes",
                "is not aligned to 16",
                "thread (17, 0, 0)");
        // Only the addresses of lanes 0 to 7 count.
        String eight = LOAD.replace("x4", "x1").replace(", %r9, %r10, %r11", "");
        String body = TILE + ROWS + "setp.eq.u32 %p1, %r21, LANE; @%p1 add.u32 %r24, %r24, 8;\n" + eight + "[%r24];";
        fails(body.replace("LANE", "7"), "is not aligned to 16", "thread (7, 0, 0)");
        try (SimulatedGpu gpu = new SimulatedGpu()) {
            long kernel = gpu.kernel(PtxText.kernel(body.replace("LANE", "8")), "test");
            gpu.run(kernel, 1, THREADS, 0, gpu.zeros(64 * THREADS), gpu.zeros(512), 0);
        }
    }

    @Test
    void rowsAreChecked() {
        fails(TILE + ROWS + LOAD + "[%r24+16];", "outside of the 512 bytes of the block");
        fails(
                TILE.replace("tile[512]", "tile[1024]") + ROWS + LOAD + "[%r24+16];",
                "nothing has written",
                "shared load of 16 bytes");
        fails(TILE.replace("bar.sync 0;", "") + ROWS + LOAD + "[%r24];", "races with a store of thread");
    }

    @Test
    void allLanesAreNeeded() {
        String some = TILE + ROWS + "setp.eq.u32 %p1, %r21, 9; @%p1 bra END;\n" + LOAD + "[%r24];\nEND:";
        fails(some, "all 32 lanes are needed, 31 of them are left");
        fails(some.replace("END:", "END: bar.warp.sync -1;"), "do not come to it");
    }

    /** A kind of product: depth, types, and bytes of an element of A and B. */
    private record Shape(String text, int depth, String a, String b, boolean saturates) {
        int bytes() {
            return a.length() == 2 ? 1 : 2;
        }

        int registersOfA() {
            return depth * bytes() / 8;
        }
    }

    private static Shape shape(int depth, String types, boolean saturates) {
        String[] names = types.split("\\.");
        String layout = ".row.col" + (saturates ? ".satfinite." : ".");
        return new Shape("mma.sync.aligned.m16n8k" + depth + layout + types, depth, names[1], names[2], saturates);
    }

    /** Random bits of an element: all bytes, halves and bfloats of magnitudes that cancel now and then. */
    private static int element(String type, SplittableRandom random) {
        return switch (type) {
            case "f16" -> Float.floatToFloat16((float) random.nextGaussian()) & 0xffff;
            case "bf16" -> Float.floatToIntBits((float) random.nextGaussian()) >>> 16;
            default -> random.nextInt(256);
        };
    }

    private static float real(String type, int bits) {
        return type.equals("f16") ? Float.float16ToFloat((short) bits) : Float.intBitsToFloat(bits << 16);
    }

    private static int integer(String type, int bits) {
        return type.equals("s8") ? (byte) bits : bits;
    }

    /** One warp's matrices: bits of their elements. */
    private record Matrices(int[][] a, int[][] b, int[][] c) {
        static Matrices random(Shape shape, SplittableRandom random) {
            int[][] a = new int[16][shape.depth];
            int[][] b = new int[shape.depth][8];
            int[][] c = new int[16][8];
            for (int[] row : a) {
                Arrays.setAll(row, i -> element(shape.a, random));
            }
            for (int[] row : b) {
                Arrays.setAll(row, i -> element(shape.b, random));
            }
            for (int[] row : c) {
                Arrays.setAll(
                        row,
                        i -> shape.bytes() == 2
                                ? Float.floatToRawIntBits((float) random.nextGaussian())
                                : random.nextInt(3) == 0
                                        ? random.nextInt()
                                        : (random.nextBoolean() ? Integer.MAX_VALUE : Integer.MIN_VALUE)
                                                ^ random.nextInt(1 << 16));
            }
            return new Matrices(a, b, c);
        }

        int sum(Shape shape, int row, int column) {
            if (shape.bytes() == 2) {
                float sum = Float.intBitsToFloat(c[row][column]);
                for (int k = 0; k < shape.depth; k++) {
                    sum = Math.fma(real(shape.a, a[row][k]), real(shape.b, b[k][column]), sum);
                }
                return Float.floatToRawIntBits(sum);
            }
            long sum = c[row][column];
            for (int k = 0; k < shape.depth; k++) {
                sum += (long) integer(shape.a, a[row][k]) * integer(shape.b, b[k][column]);
            }
            return shape.saturates ? Math.clamp(sum, Integer.MIN_VALUE, Integer.MAX_VALUE) : (int) sum;
        }

        /** A lane's registers: A, B, C. */
        void put(Shape shape, int lane, ByteBuffer words) {
            int each = shape.bytes();
            int start = words.position();
            int countA = shape.registersOfA() * 4 / each;
            for (int i = 0; i < countA; i++) {
                put(words, each, a[Fragments.rowOfA(lane, i, each)][Fragments.columnOfA(lane, i, each)]);
            }
            for (int i = 0; i < countA / 2; i++) {
                put(words, each, b[Fragments.rowOfB(lane, i, each)][Fragments.columnOfB(lane)]);
            }
            for (int i = 0; i < 4; i++) {
                words.putInt(c[Fragments.rowOfSum(lane, i)][Fragments.columnOfSum(lane, i)]);
            }
            words.position(start + 4 * WORDS);
        }

        private static void put(ByteBuffer words, int bytes, int bits) {
            if (bytes == 1) {
                words.put((byte) bits);
            } else {
                words.putShort((short) bits);
            }
        }
    }

    private static String list(String name, int first, int count) {
        StringBuilder text = new StringBuilder("{");
        for (int i = 0; i < count; i++) {
            text.append(i == 0 ? "" : ", ").append(name).append(first + i);
        }
        return text.append('}').toString();
    }

    /** Each thread has its registers in 64 bytes behind p1, and puts D into 16 bytes behind p0. */
    private static String product(Shape shape) {
        int countA = shape.registersOfA();
        String sums = shape.bytes() == 2 ? "%f" : "%r";
        StringBuilder text = new StringBuilder(
                "mul.wide.u32 %d3, %r1, 64; add.s64 %d3, %d1, %d3; mul.wide.u32 %d4, %r1, 16; add.s64 %d4, %d0, %d4;\n");
        for (int i = 0; i < countA + countA / 2; i++) {
            text.append("ld.global.b32 %r" + (8 + i) + ", [%d3+" + 4 * i + "];\n");
        }
        int first = shape.bytes() == 2 ? 0 : 16;
        for (int i = 0; i < 4; i++) {
            int offset = 4 * (countA + countA / 2 + i);
            text.append("ld.global.b32 " + sums + (first + i) + ", [%d3+" + offset + "];\n");
        }
        text.append(shape.text + " " + list(sums, first + 4, 4) + ", " + list("%r", 8, countA) + ", ");
        text.append(list("%r", 8 + countA, countA / 2) + ", " + list(sums, first, 4) + ";\n");
        return text.append("st.global.v4.b32 [%d4], " + list(sums, first + 4, 4) + ";\n")
                .toString();
    }

    @ParameterizedTest
    @CsvSource({
        "32, s32.s8.s8.s32, false",
        "32, s32.s8.u8.s32, false",
        "32, s32.u8.s8.s32, false",
        "32, s32.u8.u8.s32, false",
        "32, s32.s8.s8.s32, true",
        "32, s32.u8.u8.s32, true",
        "16, s32.s8.s8.s32, false",
        "16, s32.u8.s8.s32, true",
        "16, f32.f16.f16.f32, false",
        "16, f32.bf16.bf16.f32, false",
        "8, f32.f16.f16.f32, false",
        "8, f32.bf16.bf16.f32, false"
    })
    void productsOfMatrices(int depth, String types, boolean saturates) {
        Shape shape = shape(depth, types, saturates);
        SplittableRandom random = new SplittableRandom(shape.text.hashCode());
        ByteBuffer registers = ByteBuffer.allocate(4 * WORDS * THREADS).order(ByteOrder.LITTLE_ENDIAN);
        Matrices[] matrices = new Matrices[WARPS];
        for (int warp = 0; warp < WARPS; warp++) {
            matrices[warp] = Matrices.random(shape, random);
            for (int lane = 0; lane < 32; lane++) {
                matrices[warp].put(shape, lane, registers);
            }
        }
        try (SimulatedGpu gpu = new SimulatedGpu()) {
            long results = gpu.unwritten(16L * THREADS);
            long kernel = gpu.kernel(PtxText.kernel(product(shape)), "test");
            gpu.run(kernel, 1, THREADS, 0, results, gpu.buffer(registers.array()), 0);
            MemorySegment found = gpu.read(results, 16L * THREADS);
            for (int i = 0; i < 4 * THREADS; i++) {
                int lane = i / 4 % 32;
                int row = Fragments.rowOfSum(lane, i % 4);
                int column = Fragments.columnOfSum(lane, i % 4);
                int expected = matrices[i / 128].sum(shape, row, column);
                assertEquals(expected, found.getAtIndex(JAVA_INT, i), "D[" + row + "][" + column + "]");
            }
        }
    }

    /** The text that nvcc writes for inline PTX: copies of two groups, fragments, a product. */
    @Test
    void kernelsOfTheCompilerRun() throws IOException {
        String ptx;
        try (InputStream file = getClass().getResourceAsStream("tensor_product.ptx")) {
            ptx = new String(Objects.requireNonNull(file).readAllBytes(), StandardCharsets.UTF_8);
        }
        byte[] a = new byte[16 * 32];
        byte[] b = new byte[8 * 32];
        new SplittableRandom(1).nextBytes(a);
        new SplittableRandom(2).nextBytes(b);
        try (SimulatedGpu gpu = new SimulatedGpu()) {
            long results = gpu.unwritten(4 * 16 * 8);
            gpu.run(gpu.kernel(ptx, "tensor_product"), 1, 32, 0, results, gpu.buffer(a), gpu.buffer(b));
            MemorySegment found = gpu.read(results, 4 * 16 * 8);
            for (int i = 0; i < 16 * 8; i++) {
                int sum = 1;
                for (int k = 0; k < 32; k++) {
                    int place = i % 8 * 32 + k;
                    sum += a[i / 8 * 32 + k] * (place < 252 ? b[place] : 0);
                }
                assertEquals(sum, found.getAtIndex(JAVA_INT, i), "element " + i);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "mma.sync.aligned.m16n8k4.row.col.f32.tf32.tf32.f32 %r4, %r5, %r6, %r7;",
                "mma.sync.aligned.m16n8k32.row.col.f32.f16.f16.f32 %r4, %r5, %r6, %r7;",
                "mma.sync.aligned.m16n8k16.row.row.f32.f16.f16.f32 %r4, %r5, %r6, %r7;",
                "mma.sync.aligned.m16n8k16.row.col.f16.f16.f16.f16 %r4, %r5, %r6, %r7;",
                "mma.sync.aligned.m16n8k16.row.col.f32.f16.bf16.f32 %r4, %r5, %r6, %r7;",
                "mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32 {%r4,%r5}, {%r6,%r7,%r8,%r9}, {%r4,%r5}, {%r4,%r5,%r6,%r7};",
                "ldmatrix.sync.aligned.m8n8.x3.shared.b16 {%r4, %r5, %r6}, [%r7];",
                "ldmatrix.sync.aligned.m8n8.x2.shared.b16 {%r4}, [%r7];",
                "ldmatrix.sync.aligned.m8n8.x1.b16 {%r4}, [%d3];"
            })
    void unknownShapesAreRefused(String statement) {
        try (SimulatedGpu gpu = new SimulatedGpu()) {
            CudaException refused =
                    assertThrows(CudaException.class, () -> gpu.kernel(PtxText.kernel(statement), "test"));
            assertTrue(refused.getMessage().contains("PTX:2"), refused.getMessage());
        }
    }

    /** A device of capability 7.5 has no product of this shape. */
    @Test
    void shapesNeedACapability() {
        String ptx = PtxText.kernel(product(shape(32, "s32.s8.s8.s32", false))).replace("sm_80", "sm_75");
        try (SimulatedGpu gpu = new SimulatedGpu()) {
            CudaException refused = assertThrows(CudaException.class, () -> gpu.kernel(ptx, "test"));
            assertTrue(refused.getMessage().contains("sm_80 is needed"), refused.getMessage());
            gpu.kernel(
                    PtxText.kernel(product(shape(8, "f32.f16.f16.f32", false))).replace("sm_80", "sm_75"), "test");
        }
    }
}
