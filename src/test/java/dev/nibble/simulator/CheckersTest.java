package dev.nibble.simulator;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.nibble.foreign.CudaException;
import dev.nibble.foreign.CudaSimulator;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Kernels with bugs, each of which the CUDA simulator must name, and kernels like them without. */
@ExtendWith(NeedsCudaSimulator.class)
class CheckersTest {
    private static final int THREADS = 64;

    /** Runs a kernel with p0 of 4 bytes per thread that nothing has written, p1 of 256 zeros. */
    private static void run(String body, int shared) {
        try (SimulatedGpu gpu = new SimulatedGpu()) {
            long kernel = gpu.kernel(PtxText.module(".extern .shared .align 16 .b8 dynamic[];\n", body), "test");
            gpu.run(kernel, 2, THREADS, shared, gpu.unwritten(2 * 4 * THREADS), gpu.zeros(256), 0);
        }
    }

    private static void passes(String body) {
        run(body, 256);
    }

    private static void fails(String body, String... words) {
        CudaSimulator simulator = new CudaSimulator();
        simulator.fail("");
        assertThrows(CudaException.class, () -> run(body, 256));
        String message = simulator.message();
        for (String word : List.of(words)) {
            assertTrue(message.contains(word), () -> "'" + word + "' is missing in: " + message);
        }
        assertTrue(message.contains("kernel test, PTX:"), message);
    }

    @Test
    void storesBehindTheEnd() {
        passes("st.global.u32 [%d2], %r1;");
        fails(
                "st.global.u32 [%d2+4], %r1;",
                "global store of 4 bytes",
                "outside of live memory",
                "of 512 bytes at",
                "which ends 0 bytes before it",
                "block (1, 0, 0), thread (63, 0, 0)",
                "st.global.u32 [%d2+4], %r1;");
    }

    @Test
    void loadsBeforeTheBegin() {
        fails("ld.global.u32 %r3, [%d1+-4];", "global load", "outside of live memory");
    }

    @Test
    void nullPointers() {
        fails("mov.u64 %d3, 0; ld.global.u32 %r3, [%d3];", "at 0x0");
        fails("mov.u64 %d3, 0; @%p0 bra END; ld.u8 %r3, [%d3]; END:", "at 0x0");
    }

    @Test
    void memoryThatWasFreed() {
        CudaSimulator simulator = new CudaSimulator();
        simulator.fail("");
        try (SimulatedGpu gpu = new SimulatedGpu()) {
            long kernel = gpu.kernel(PtxText.kernel("ld.global.u32 %r3, [%d1];"), "test");
            long stale = gpu.zeros(256);
            gpu.run(kernel, 1, 32, 0, 0, stale, 0);
            gpu.free(stale);
            assertThrows(CudaException.class, () -> gpu.run(kernel, 1, 32, 0, 0, stale, 0));
        }
        assertTrue(simulator.message().contains("outside of live memory"), simulator.message());
    }

    @Test
    void localMemoryHasAnEnd() {
        String store = ".local .align 4 .b8 x[8]; mov.u64 %d3, x; st.local.u32 [%d3+OFFSET], 1;";
        passes(store.replace("OFFSET", "4"));
        fails(store.replace("OFFSET", "8"), "local store");
    }

    @Test
    void atomicsAreCheckedToo() {
        passes("red.global.add.u32 [%d1], 1;");
        fails("red.global.add.u32 [%d1+256], 1;", "outside of live memory");
        fails("red.global.add.u32 [%d1+2], 1;", "is not aligned to");
        fails("red.global.add.u32 [%d2], 1;", "nothing has written");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "ld.global.u32 %r3, [%d1+2];",
                "ld.global.v2.u32 {%r3, %r4}, [%d1+4];",
                "ld.global.u16 %h0, [%d1+1];"
            })
    void misalignedLoads(String load) {
        fails(load, "is not aligned to");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "st.global.u32 [%d0+1], 1;",
                "mov.u32 %r4, dynamic; st.shared.u32 [%r4+2], 1;",
                ".local .align 8 .b8 x[16]; mov.u64 %d3, x; st.local.u64 [%d3+4], 1;"
            })
    void misalignedStores(String store) {
        fails(store, "is not aligned to");
    }

    @Test
    void readsOfWhatNothingHasWritten() {
        passes("st.global.u32 [%d2], 1; ld.global.u32 %r3, [%d2];");
        fails("ld.global.u32 %r3, [%d2];", "nothing has written", "bytes into allocation", "thread (0, 0, 0)");
        fails("st.global.u8 [%d2], 1; ld.global.u16 %h0, [%d2];", "nothing has written");
        fails("mov.u32 %r4, dynamic; ld.shared.u32 %r3, [%r4];", "shared load", "nothing has written");
        fails(
                ".local .align 4 .b8 x[8]; mov.u64 %d3, x; st.local.u32 [%d3], 1; ld.local.u32 %r3, [%d3+4];",
                "local load", "nothing has written");
    }

    @Test
    void sharedMemoryHasAnEnd() {
        String store =
                "shl.b32 %r3, %r1, 2; mov.u32 %r4, dynamic; add.u32 %r4, %r4, %r3; st.shared.u32 [%r4+OFFSET], %r1;";
        passes(store.replace("OFFSET", "0"));
        fails(
                store.replace("OFFSET", "4"),
                "shared store",
                "outside of the 256 bytes of the block",
                "thread (63, 0, 0)");
    }

    private static final String NEIGHBOUR = """
                shl.b32 %r3, %r1, 2;
                mov.u32 %r4, dynamic;
                add.u32 %r5, %r4, %r3;
                xor.b32 %r6, %r3, DISTANCE;
                add.u32 %r6, %r4, %r6;
                st.shared.u32 [%r5], %r1;
                BARRIER
                ld.shared.u32 %r7, [%r6];
                AFTER
                st.global.u32 [%d2], %r7;
            """;

    @Test
    void racesBetweenWarps() {
        String kernel = NEIGHBOUR.replace("DISTANCE", "128");
        passes(kernel.replace("BARRIER", "bar.sync 0;").replace("AFTER", ""));
        // Warp 1 has not stored yet when warp 0 reads; where it has, there is no barrier between.
        fails(kernel.replace("BARRIER", "").replace("AFTER", ""), "shared load");
        String known =
                "shl.b32 %r3, %r1, 2; mov.u32 %r5, dynamic; add.u32 %r5, %r5, %r3; st.shared.u32 [%r5], 0; bar.sync 0;";
        fails(
                known + kernel.replace("BARRIER", "").replace("AFTER", ""),
                "shared store",
                "races with a read of thread");
    }

    @Test
    void racesOfStoresAfterReads() {
        String kernel = NEIGHBOUR.replace("DISTANCE", "128").replace("BARRIER", "bar.sync 0;");
        passes(kernel.replace("AFTER", "bar.sync 0; st.shared.u32 [%r5], 9;"));
        fails(kernel.replace("AFTER", "st.shared.u32 [%r5], 9;"), "races with a store of thread 0");
    }

    @Test
    void racesWithinAWarp() {
        String kernel = NEIGHBOUR.replace("DISTANCE", "4").replace("AFTER", "");
        passes(kernel.replace("BARRIER", "bar.warp.sync -1;"));
        fails(kernel.replace("BARRIER", ""), "races with a store of thread 1");
    }

    @Test
    void racesOfTwoStores() {
        String same = "mov.u32 %r4, dynamic; st.shared.u32 [%r4], VALUE;";
        passes(same.replace("VALUE", "7"));
        fails(same.replace("VALUE", "%r1"), "races with a store of thread");
    }

    @Test
    void bytesSideBySideAreNoRace() {
        passes(
                "mov.u32 %r4, dynamic; add.u32 %r4, %r4, %r1; st.shared.u8 [%r4], %r1; bar.sync 0; ld.shared.u8 %r5, [%r4];");
        fails(
                "mov.u32 %r4, dynamic; shr.u32 %r5, %r1, 1; add.u32 %r4, %r4, %r5; st.shared.u8 [%r4], %r1;",
                "races with a store");
    }

    @Test
    void atomicSumsAreNoRace() {
        String clear =
                "mov.u32 %r4, dynamic; setp.eq.u32 %p0, %r1, 0; @%p0 st.shared.u32 [%r4], 0; FIRST red.shared.add.u32 [%r4], 1;";
        passes(clear.replace("FIRST", "bar.sync 0;"));
        fails(clear.replace("FIRST", ""), "races with a store of thread 0");
    }

    @Test
    void barriersThatNotAllReach() {
        String half = "setp.lt.u32 %p0, %r1, LIMIT; @%p0 bra END; bar.sync 0; END:";
        fails(
                half.replace("LIMIT", "32"),
                "barrier 0 is reached by 32 of 64 threads; 32 threads of the block have ended");
        fails(half.replace("LIMIT", "16"), "barrier");
        passes("setp.lt.u32 %p0, %r1, 32; @%p0 bra A; bar.sync 1, 32; bra END; A: bar.sync 2, 32; END:");
        fails(
                "setp.lt.u32 %p0, %r1, 32; @%p0 bra A; bar.sync 1; bra END; A: bar.sync 2; END:",
                "others wait at another barrier");
    }

    @Test
    void barriersInDivergentCode() {
        String branches = """
                    and.b32 %r3, %r1, 1;
                    setp.eq.u32 %p0, %r3, 0;
                    @%p0 bra EVEN;
                    bar.sync 0;
                    bra END;
                EVEN:
                    bar.sync 0;
                END:
                """;
        fails(branches, "barrier in divergent code", "lanes 0x55555555 wait at line", "lanes 0xaaaaaaaa wait at line");
    }

    @Test
    void shufflesThatLanesDoNotReach() {
        String shuffle =
                "setp.lt.u32 %p0, %r1, 3; @%p0 bra OTHER; shfl.sync.idx.b32 %r3, %r1, 0, 31, MASK; bra END; OTHER: bar.warp.sync -1; END:";
        passes("setp.lt.u32 %p0, %r1, 32; @%p0 bra END; shfl.sync.idx.b32 %r3, %r1, 0, 31, -1; END:");
        fails(shuffle.replace("MASK", "-1"), "do not come to it");
        fails(shuffle.replace("MASK", "1"), "not in its own member mask");
    }

    @Test
    void kernelsThatNeverEndOrStopThemselves() {
        fails("setp.eq.u32 %p0, %r1, 5; @%p0 trap;", "the kernel stopped itself", "thread (5, 0, 0)");
        fails("AGAIN: add.u32 %r3, %r3, 1; bra AGAIN;", "instructions in a warp");
    }

    /** What a launch asks for is refused before it runs, and the context stays good. */
    @Test
    void launchesBeyondTheLimits() {
        try (SimulatedGpu gpu = new SimulatedGpu()) {
            long kernel = gpu.kernel(PtxText.kernel("st.global.u32 [%d2], %r1;"), "test");
            long results = gpu.unwritten(4096);
            assertThrows(CudaException.class, () -> gpu.run(kernel, 1, 1025, 0, results, 0, 0));
            assertThrows(CudaException.class, () -> gpu.run(kernel, 0, 32, 0, results, 0, 0));
            assertThrows(CudaException.class, () -> gpu.run(kernel, 1, 32, 48 * 1024 + 1, results, 0, 0));
            gpu.allowShared(kernel, 64 * 1024);
            gpu.run(kernel, 1, 32, 64 * 1024, results, 0, 0);
            assertEquals(31, gpu.read(results, 128).getAtIndex(JAVA_INT, 31));
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "frobnicate.u32 %r3, %r1;",
                "add.u32 %r3, %r99, 1;",
                "bra NOWHERE;",
                "mov.u32 %r3, nothing;",
                "add.u32 %r3, %d0, 1;",
                "st.global.u32 [%d2], %r1",
                "add.u32 %r3;",
                "ld.shared.f16x4 %r3, [%r4];"
            })
    void wrongPtxIsRefusedWithItsLine(String statement) {
        try (SimulatedGpu gpu = new SimulatedGpu()) {
            CudaException refused =
                    assertThrows(CudaException.class, () -> gpu.kernel(PtxText.kernel(statement), "test"));
            assertTrue(refused.getMessage().contains("PTX:2"), refused.getMessage());
        }
    }
}
