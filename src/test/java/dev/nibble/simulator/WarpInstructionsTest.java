package dev.nibble.simulator;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.lang.foreign.MemorySegment;
import java.util.function.IntUnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Instructions of lanes or blocks together, and atomic operations, in the CUDA simulator. */
@ExtendWith(NeedsCudaSimulator.class)
class WarpInstructionsTest {
    private static final int THREADS = 64;

    /** Results of the threads of one block. */
    private static void check(String body, IntUnaryOperator expected) {
        try (SimulatedGpu gpu = new SimulatedGpu()) {
            long results = gpu.zeros(4 * THREADS);
            gpu.run(gpu.kernel(PtxText.kernel(body), "test"), 1, THREADS, 0, results, gpu.zeros(256), 0);
            MemorySegment found = gpu.read(results, 4 * THREADS);
            for (int i = 0; i < THREADS; i++) {
                int thread = i;
                assertEquals(expected.applyAsInt(i), found.getAtIndex(JAVA_INT, i), () -> "thread " + thread);
            }
        }
    }

    /** The lane read, or a lane and 1000 where the source is out of range, by segments of a width. */
    @ParameterizedTest
    @CsvSource({
        "up, 1, 32",
        "up, 3, 8",
        "down, 1, 32",
        "down, 5, 16",
        "bfly, 16, 32",
        "bfly, 3, 4",
        "idx, 7, 32",
        "idx, 9, 8"
    })
    void shuffles(String mode, int distance, int width) {
        int clamp = (32 - width << 8) | (mode.equals("up") ? 0 : 31);
        String body = """
                    shfl.sync.%s.b32 %%r3|%%p0, %%r1, %d, %d, -1;
                    @!%%p0 add.u32 %%r3, %%r3, 1000;
                    st.global.u32 [%%d2], %%r3;
                """.formatted(mode, distance, clamp);
        check(body, i -> {
            int lane = i % 32;
            int start = lane / width * width;
            int from = switch (mode) {
                case "up" -> lane - distance;
                case "down" -> lane + distance;
                case "bfly" -> lane ^ distance;
                default -> start + distance % width;
            };
            return from >= start && from < start + width ? i - lane + from : i + 1000;
        });
    }

    @Test
    void votes() {
        String body = """
                    setp.lt.u32 %p0, %r1, 40;
                    vote.sync.ballot.b32 %r3, %p0, -1;
                    vote.sync.all.pred %p1, %p0, -1;
                    vote.sync.any.pred %p2, %p0, -1;
                    vote.sync.uni.pred %p3, !%p0, -1;
                    popc.b32 %r3, %r3;
                    @%p1 add.u32 %r3, %r3, 100;
                    @%p2 add.u32 %r3, %r3, 1000;
                    @%p3 add.u32 %r3, %r3, 10000;
                    st.global.u32 [%d2], %r3;
                """;
        check(body, i -> i < 32 ? 32 + 11100 : 8 + 1000);
    }

    @Test
    void matchesAndReductions() {
        String body = """
                    and.b32 %r3, %r1, 3;
                    match.any.sync.b32 %r4, %r3, -1;
                    match.all.sync.b32 %r5|%p0, %r3, -1;
                    redux.sync.add.u32 %r6, %r1, -1;
                    redux.sync.max.s32 %r7, %r3, -1;
                    popc.b32 %r4, %r4;
                    add.u32 %r4, %r4, %r5;
                    mad.lo.u32 %r4, %r7, 100, %r4;
                    mad.lo.u32 %r4, %r6, 1000, %r4;
                    @%p0 mov.u32 %r4, 0;
                    st.global.u32 [%d2], %r4;
                """;
        check(body, i -> 8 + 300 + 1000 * (i < 32 ? 496 : 496 + 1024));
    }

    /** Lanes of a shuffle come to it on different ways and wait for each other. */
    @Test
    void lanesGatherForAShuffle() {
        String body = """
                    and.b32 %r3, %r1, 1;
                    setp.eq.u32 %p0, %r3, 0;
                    @%p0 bra EVEN;
                    add.u32 %r4, %r1, 100;
                    bra MEET;
                BACK:
                    st.global.u32 [%d2], %r5;
                    ret;
                EVEN:
                    add.u32 %r4, %r1, 200;
                MEET:
                    shfl.sync.bfly.b32 %r5, %r4, 1, 31, -1;
                    bra BACK;
                """;
        check(body, i -> (i ^ 1) + ((i & 1) == 0 ? 100 : 200));
    }

    @Test
    void blocksReduceAtBarriers() {
        String body = """
                    setp.lt.u32 %p0, %r1, 33;
                    barrier.cta.red.popc.aligned.u32 %r3, 1, %p0;
                    bar.red.and.pred %p1, 0, %p0;
                    bar.red.or.pred %p2, 0, !%p0;
                    @%p1 add.u32 %r3, %r3, 100;
                    @%p2 add.u32 %r3, %r3, 1000;
                    st.global.u32 [%d2], %r3;
                """;
        check(body, i -> 1033);
    }

    /** One warp fills, the other waits: a barrier for two kinds of threads. */
    @Test
    void someArriveAndOthersWait() {
        String body = """
                    .shared .align 4 .b8 box[128];
                    mov.u32 %r3, box;
                    and.b32 %r4, %r1, 31;
                    shl.b32 %r5, %r4, 2;
                    add.u32 %r3, %r3, %r5;
                    setp.lt.u32 %p0, %r1, 32;
                    @%p0 bra WAIT;
                    st.shared.u32 [%r3], %r1;
                    bar.arrive 3, 64;
                    mov.u32 %r6, 5;
                    bra END;
                WAIT:
                    bar.sync 3, 64;
                    ld.shared.u32 %r6, [%r3];
                END:
                    st.global.u32 [%d2], %r6;
                """;
        check(body, i -> i < 32 ? i + 32 : 5);
    }

    @ParameterizedTest
    @CsvSource({
        "add.u32, 0, 6048",
        "min.s32, 100, 0",
        "max.s32, 5, 63",
        "and.b32, -1, 0",
        "or.b32, 64, 127",
        "xor.b32, 0, 0",
        "inc.u32, 1000, 1192",
        "exch.b32, 3, -1"
    })
    void atomicOperations(String operation, int first, int last) {
        String body = """
                    atom.global.%s %%r3, [%%d1], %%r1;
                    red.shared.add.u32 [%%r9], 1;
                """.formatted(operation.equals("inc.u32") ? "inc.u32" : operation);
        String whole = """
                    .shared .align 4 .b8 counter[4];
                    mov.u32 %r9, counter;
                    setp.eq.u32 %p0, %r1, 0;
                    @%p0 st.shared.u32 [%r9], 0;
                    bar.sync 0;
                """ + (operation.equals("inc.u32") ? body.replace("%r1;", "2000;") : body) + """
                            bar.sync 0;
                            ld.shared.u32 %r4, [%r9];
                            st.global.u32 [%d2], %r4;
                        """;
        try (SimulatedGpu gpu = new SimulatedGpu()) {
            long results = gpu.zeros(4 * 3 * THREADS);
            long place = gpu.buffer(Integer.toUnsignedLong(first));
            gpu.run(gpu.kernel(PtxText.kernel(whole), "test"), 3, THREADS, 0, results, place, 0);
            int found = gpu.read(place, 4).get(JAVA_INT, 0);
            assertEquals(last < 0 ? Math.min(Math.max(found, 0), 63) : last, found);
            MemorySegment counts = gpu.read(results, 4 * 3 * THREADS);
            for (int i = 0; i < 3 * THREADS; i++) {
                assertEquals(THREADS, counts.getAtIndex(JAVA_INT, i));
            }
        }
    }

    /** A sum by compare-and-swap, and sums of floats and halves. */
    @Test
    void sumsBySwapsAndOfFloats() {
        String body = """
                    ld.global.u32 %r3, [%d1];
                AGAIN:
                    add.u32 %r4, %r3, %r1;
                    atom.global.cas.b32 %r5, [%d1], %r3, %r4;
                    setp.ne.u32 %p0, %r5, %r3;
                    mov.u32 %r3, %r5;
                    @%p0 bra AGAIN;
                    red.global.add.f32 [%d1+4], 0f3F000000;
                    red.global.add.noftz.f16x2 [%d1+8], 0x3c004000;
                    atom.global.add.u64 %d3, [%d1+16], 3;
                    bar.sync 0;
                    ld.global.u32 %r6, [%d1];
                    ld.global.f32 %f0, [%d1+4];
                    cvt.rzi.u32.f32 %r7, %f0;
                    ld.global.u16 %h0, [%d1+10];
                    cvt.f32.f16 %f1, %h0;
                    cvt.rzi.u32.f32 %r8, %f1;
                    ld.global.u32 %r9, [%d1+16];
                    add.u32 %r6, %r6, %r7;
                    add.u32 %r6, %r6, %r8;
                    add.u32 %r6, %r6, %r9;
                    st.global.u32 [%d2], %r6;
                """;
        check(body, i -> 2016 + 32 + 64 + 192);
    }
}
