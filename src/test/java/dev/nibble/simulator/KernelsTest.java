package dev.nibble.simulator;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.lang.foreign.MemorySegment;
import java.util.SplittableRandom;
import java.util.function.IntUnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Control flow, calls, memory, and lanes together, in the CUDA simulator. */
@ExtendWith(NeedsCudaSimulator.class)
class KernelsTest {
    /** Runs a kernel with p0 an array of results, one word per thread, and compares them. */
    private static void check(String ptx, int blocks, int threads, int p2, IntUnaryOperator expected) {
        try (SimulatedGpu gpu = new SimulatedGpu()) {
            int count = blocks * threads;
            long results = gpu.zeros(4 * count);
            gpu.run(gpu.kernel(ptx, "test"), blocks, threads, 0, results, gpu.zeros(4096), p2);
            MemorySegment found = gpu.read(results, 4L * count);
            for (int i = 0; i < count; i++) {
                int thread = i;
                assertEquals(expected.applyAsInt(i), found.getAtIndex(JAVA_INT, i), () -> "thread " + thread);
            }
        }
    }

    @Test
    void lanesGoDifferentWaysAndMeetAgain() {
        String body = """
                    and.b32 %r3, %r1, 3;
                    setp.eq.u32 %p0, %r3, 0;
                    setp.eq.u32 %p1, %r3, 1;
                    mov.u32 %r4, 100;
                    @%p0 bra ZERO;
                    @%p1 bra ONE;
                    mov.u32 %r4, 7;
                    bra.uni END;
                ONE:
                    add.u32 %r4, %r4, 1;
                    bra END;
                ZERO:
                    mul.lo.u32 %r4, %r4, 3;
                END:
                    activemask.b32 %r5;
                    popc.b32 %r5, %r5;
                    mad.lo.u32 %r4, %r5, 1000, %r4;
                    st.global.u32 [%d2], %r4;
                """;
        check(PtxText.kernel(body), 3, 96, 0, i -> 32000 + new int[] {300, 101, 7, 7}[i & 3]);
    }

    @ParameterizedTest
    @CsvSource({"1, 1", "1, 45", "4, 256", "2, 1000"})
    void loopsHaveTheirOwnCountInEachLane(int blocks, int threads) {
        String body = """
                    mov.u32 %r3, 0;
                    mov.u32 %r4, 0;
                    and.b32 %r6, %r2, 15;
                OUTER:
                    setp.ge.u32 %p0, %r3, %r6;
                    @%p0 bra DONE;
                    mov.u32 %r5, 0;
                INNER:
                    add.u32 %r4, %r4, 1;
                    add.u32 %r5, %r5, 1;
                    setp.lt.u32 %p1, %r5, %r3;
                    @%p1 bra INNER;
                    add.u32 %r3, %r3, 1;
                    and.b32 %r7, %r4, 1;
                    setp.ne.u32 %p2, %r7, 0;
                    @!%p2 bra OUTER;
                    add.u32 %r4, %r4, 10;
                    bra OUTER;
                DONE:
                    st.global.u32 [%d2], %r4;
                """;
        check(PtxText.kernel(body), blocks, threads, 0, i -> {
            int sum = 0;
            for (int outer = 0; outer < (i & 15); outer++) {
                sum += Math.max(outer, 1);
                sum += (sum & 1) * 10;
            }
            return sum;
        });
    }

    @Test
    void someLanesEndEarly() {
        String body = """
                    setp.lt.u32 %p0, %r1, 5;
                    @%p0 exit;
                    vote.sync.ballot.b32 %r3, 1, 0xffffffe0;
                    st.global.u32 [%d2], %r3;
                """;
        check(PtxText.kernel(body), 1, 32, 0, i -> i < 5 ? 0 : 0xffffffe0);
    }

    @Test
    void branchesByTable() {
        String body = """
                    rem.u32 %r3, %r1, 3;
                    brx.idx %r3, TABLE;
                TABLE: .branchtargets A, B, C;
                A:  mov.u32 %r4, 10;
                    bra END;
                B:  mov.u32 %r4, 20;
                    bra END;
                C:  mov.u32 %r4, 30;
                END:
                    st.global.u32 [%d2], %r4;
                """;
        check(PtxText.kernel(body), 1, 64, 0, i -> 10 * (i % 3 + 1));
    }

    @Test
    void functionsTakeAndReturnValues() {
        String function = """
                .func (.param .b32 result) power(.param .b32 base, .param .b64 exponent)
                {
                    .reg .pred %p;
                    .reg .b32 %a, %b;
                    .reg .b64 %e;
                    ld.param.u32 %a, [base];
                    ld.param.u64 %e, [exponent];
                    mov.u32 %b, 1;
                LOOP:
                    setp.eq.s64 %p, %e, 0;
                    @%p bra END;
                    mul.lo.u32 %b, %b, %a;
                    sub.s64 %e, %e, 1;
                    bra LOOP;
                END:
                    st.param.b32 [result+0], %b;
                    ret;
                }
                .func (.param .b32 sum) powers(.param .b32 base)
                {
                    .reg .b32 %a, %b;
                    ld.param.u32 %a, [base];
                    { .param .b32 x; st.param.b32 [x], %a; .param .b64 y; st.param.b64 [y+0], 3; .param .b32 z;
                      call.uni (z), power, (x, y);
                      ld.param.b32 %b, [z+0]; }
                    add.u32 %a, %a, %b;
                    st.param.b32 [sum], %a;
                    ret;
                }
                """;
        String body = """
                    and.b32 %r3, %r1, 1;
                    setp.eq.u32 %p0, %r3, 1;
                    mov.u32 %r5, 0;
                    @%p0 bra ODD;
                    { .param .b32 x; st.param.b32 [x+0], %r1; .param .b32 y;
                      call (y), powers, (x);
                      ld.param.b32 %r5, [y+0]; }
                    bra END;
                ODD:
                    { .param .b32 x; st.param.b32 [x+0], %r1; .param .b64 e; mov.u64 %d3, 2; st.param.b64 [e+0], %d3; .param .b32 y;
                      call (y), power, (x, e);
                      ld.param.b32 %r5, [y+0]; }
                END:
                    st.global.u32 [%d2], %r5;
                """;
        check(PtxText.module(function, body), 2, 64, 0, i -> {
            int thread = i % 64;
            return (thread & 1) == 1 ? thread * thread : thread + thread * thread * thread;
        });
    }

    @Test
    void localSharedAndGenericMemory() {
        String body = """
                    .local .align 8 .b8 stack[16];
                    .shared .align 4 .b8 tile[256];
                    mov.u64 %d3, stack;
                    cvta.local.u64 %d4, %d3;
                    st.u32 [%d4+4], %r1;
                    st.local.u16 [%d3+0], %r1;
                    ld.local.u16 %h0, [stack];
                    ld.u32 %r3, [%d4+4];
                    cvt.u32.u16 %r4, %h0;
                    add.u32 %r3, %r3, %r4;
                    mov.u32 %r5, tile;
                    shl.b32 %r6, %r1, 2;
                    add.u32 %r5, %r5, %r6;
                    st.shared.u32 [%r5], %r3;
                    bar.sync 0;
                    xor.b32 %r6, %r6, 252;
                    cvt.u64.u32 %d5, %r6;
                    mov.u64 %d6, tile;
                    cvta.shared.u64 %d6, %d6;
                    add.s64 %d6, %d6, %d5;
                    isspacep.shared %p0, %d6;
                    @%p0 ld.u32 %r7, [%d6];
                    st.global.u32 [%d2], %r7;
                """;
        check(PtxText.kernel(body), 2, 64, 0, i -> 2 * (63 - i % 64));
    }

    @Test
    void variablesHaveTheirFirstValues() {
        String declarations = """
                .const .align 4 .b32 table[4] = {5, 6, -7, 0x10};
                .global .align 8 .u64 pointer = table;
                .global .align 4 .f32 numbers[2][2] = {{1.0, 0f40000000}, {3.0}};
                """;
        String body = """
                    and.b32 %r3, %r1, 3;
                    mul.wide.u32 %d3, %r3, 4;
                    mov.u64 %d4, table;
                    add.s64 %d4, %d4, %d3;
                    ld.const.u32 %r4, [%d4];
                    ld.global.u64 %d5, [pointer];
                    ld.u32 %r5, [%d5+8];
                    mov.u64 %d6, numbers;
                    add.s64 %d6, %d6, %d3;
                    ld.global.f32 %f0, [%d6];
                    cvt.rzi.s32.f32 %r6, %f0;
                    mad.lo.s32 %r4, %r6, 1000, %r4;
                    add.s32 %r4, %r4, %r5;
                    st.global.u32 [%d2], %r4;
                """;
        int[] table = {5, 6, -7, 16};
        int[] numbers = {1, 2, 3, 0};
        check(PtxText.module(declarations, body), 1, 32, 0, i -> numbers[i & 3] * 1000 + table[i & 3] - 7);
    }

    /** Loads and stores of all widths, whole and in vectors, side by side, far apart and all the same. */
    @ParameterizedTest
    @CsvSource({"1, 0", "16, 0", "20, 0", "0, 32", "48, 16"})
    void widthsAndVectors(int stride, int offset) {
        String body = """
                    mul.lo.u32 %r3, %r1, STRIDE;
                    cvt.u64.u32 %d3, %r3;
                    add.s64 %d3, %d1, %d3;
                    ld.global.u8 %h0, [%d3+OFFSET];
                    ld.global.s8 %r4, [%d3+OFFSET];
                    cvt.u32.u16 %r5, %h0;
                    add.s32 %r5, %r5, %r4;
                    and.b64 %d3, %d3, -16;
                    ld.global.nc.v4.u32 {%r6, %r7, %r8, %r9}, [%d3+OFFSET];
                    ld.global.v2.u64 {%d4, %d5}, [%d3+OFFSET];
                    ld.global.v2.u8 {%h1, %h2}, [%d3+OFFSET];
                    ld.global.v4.f32 {%f0, _, _, %f3}, [%d3+OFFSET];
                    add.u32 %r6, %r6, %r7;
                    xor.b32 %r6, %r6, %r8;
                    sub.u32 %r6, %r6, %r9;
                    shr.u64 %d5, %d5, 32;
                    cvt.u32.u64 %r10, %d5;
                    xor.b32 %r6, %r6, %r10;
                    mov.b32 %r11, {%h1, %h2};
                    add.u32 %r6, %r6, %r11;
                    mov.b32 %r12, %f3;
                    add.u32 %r6, %r6, %r12;
                    add.u32 %r5, %r5, %r6;
                    st.global.u32 [%d2], %r5;
                """.replace("STRIDE", Integer.toString(stride)).replace("OFFSET", Integer.toString(offset));
        byte[] data = new byte[4096];
        new SplittableRandom(stride).nextBytes(data);
        MemorySegment bytes = MemorySegment.ofArray(data);
        try (SimulatedGpu gpu = new SimulatedGpu()) {
            long results = gpu.zeros(4 * 61);
            gpu.run(gpu.kernel(PtxText.kernel(body), "test"), 1, 61, 0, results, gpu.buffer(data), 0);
            MemorySegment found = gpu.read(results, 4 * 61);
            for (int thread = 0; thread < 61; thread++) {
                int at = thread * stride;
                int narrow = (data[at + offset] & 0xff) + data[at + offset];
                int base = (at & -16) + offset;
                int[] words = new int[4];
                for (int i = 0; i < 4; i++) {
                    words[i] = bytes.get(JAVA_INT_UNALIGNED, base + 4 * i);
                }
                int value = ((words[0] + words[1] ^ words[2]) - words[3] ^ words[3])
                        + (data[base] & 0xff | (data[base + 1] & 0xff) << 16)
                        + words[3];
                assertEquals(narrow + value, found.getAtIndex(JAVA_INT, thread), "thread " + thread);
            }
        }
    }

    @Test
    void blocksAndWarpsKnowTheirPlaces() {
        String body = """
                    mov.u32 %r3, %laneid;
                    mov.u32 %r4, %warpid;
                    mov.u32 %r5, %nctaid.x;
                    mov.u32 %r6, %lanemask_lt;
                    popc.b32 %r6, %r6;
                    mad.lo.u32 %r3, %r4, 100, %r3;
                    mad.lo.u32 %r3, %r5, 10000, %r3;
                    mad.lo.u32 %r3, %r6, 1000000, %r3;
                    st.global.u32 [%d2], %r3;
                """;
        check(PtxText.kernel(body), 3, 80, 0, i -> {
            int lane = i % 80 % 32;
            return lane * 1000001 + i % 80 / 32 * 100 + 30000;
        });
    }
}
