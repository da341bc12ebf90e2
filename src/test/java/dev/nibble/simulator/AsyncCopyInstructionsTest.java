package dev.nibble.simulator;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.nibble.foreign.CudaException;
import dev.nibble.foreign.CudaSimulator;
import java.lang.foreign.MemorySegment;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Copies from global to shared memory that threads wait for, in the CUDA simulator. */
@ExtendWith(NeedsCudaSimulator.class)
class AsyncCopyInstructionsTest {
    private static final int THREADS = 64;
    private static final int BYTES = 16 * THREADS;

    /** In %r20 the thread's 16 bytes of {@code tile}, in %r21 those of the next thread, in %d3 the thread's 16 bytes behind p1. */
    private static final String PLACES = """
                .shared .align 16 .b8 tile[2048];
                mov.u32 %r22, tile;
                shl.b32 %r23, %r1, 4;
                add.u32 %r20, %r22, %r23;
                xor.b32 %r23, %r23, 16;
                add.u32 %r21, %r22, %r23;
                mul.wide.u32 %d3, %r1, 16;
                add.s64 %d3, %d1, %d3;
            """;

    private static final String COPY = "cp.async.cg.shared.global [%r20], [%d3], 16;\n";
    private static final String LOAD = "ld.shared.u32 %r4, [%r20];\n";
    private static final String STORE = "st.global.u32 [%d2], %r4;\n";

    private static byte[] source() {
        byte[] bytes = new byte[BYTES];
        new SplittableRandom(6).nextBytes(bytes);
        return bytes;
    }

    private static MemorySegment run(String body, int resultBytes) {
        try (SimulatedGpu gpu = new SimulatedGpu()) {
            long results = gpu.zeros(resultBytes);
            gpu.run(gpu.kernel(PtxText.kernel(PLACES + body), "test"), 1, THREADS, 0, results, gpu.buffer(source()), 0);
            return MemorySegment.ofArray(gpu.read(results, resultBytes).toArray(JAVA_LONG));
        }
    }

    private static void fails(String body, String... words) {
        CudaSimulator simulator = new CudaSimulator();
        simulator.fail("");
        assertThrows(CudaException.class, () -> run(body, 4 * THREADS));
        String message = simulator.message();
        for (String word : words) {
            assertTrue(message.contains(word), () -> "'" + word + "' is missing in: " + message);
        }
    }

    /** How many bytes each thread copies and reads: where it reads less, zeros follow. */
    @ParameterizedTest
    @CsvSource({
        "cg, 16, -1",
        "ca, 16, -1",
        "ca, 8, -1",
        "ca, 4, -1",
        "cg, 16, 0",
        "cg, 16, 7",
        "ca, 16, 12",
        "ca, 8, 8",
        "ca, 4, 1"
    })
    void bytesAreCopied(String cache, int bytes, int read) {
        String body = """
                    mov.u64 %%d5, 0x1111111111111111;
                    st.shared.v2.u64 [%%r20], {%%d5, %%d5};
                    mov.u32 %%r5, %d;
                    cp.async.%s.shared.global.L2::128B [%%r20], [%%d3], %d%s;
                    cp.async.wait_all;
                    ld.shared.v2.u64 {%%d5, %%d6}, [%%r20];
                    mul.wide.u32 %%d4, %%r1, 16;
                    add.s64 %%d4, %%d0, %%d4;
                    st.global.v2.u64 [%%d4], {%%d5, %%d6};
                """.formatted(read, cache, bytes, read < 0 ? "" : ", %r5");
        byte[] found = run(body, BYTES).toArray(JAVA_BYTE);
        byte[] source = source();
        for (int i = 0; i < BYTES; i++) {
            int place = i % 16;
            int expected = place >= bytes ? 0x11 : read >= 0 && place >= read ? 0 : source[i];
            assertEquals(expected, found[i], "byte " + i);
        }
    }

    /** Lanes with an even number wait for all but one of their groups, the others for all: each thread has its own groups. */
    @Test
    void eachThreadHasItsGroups() {
        String body = COPY + """
                    cp.async.commit_group;
                    cp.async.ca.shared.global [%r20+1024], [%d3+4], 4;
                    cp.async.commit_group;
                    and.b32 %r5, %r1, 1;
                    setp.eq.u32 %p0, %r5, 0;
                    @%p0 cp.async.wait_group 1;
                    @%p0 bra FIRST;
                    cp.async.wait_group 0;
                    ld.shared.u32 %r4, [%r20+1024];
                    bra END;
                FIRST:
                    ld.shared.u32 %r4, [%r20];
                END:
                """ + STORE;
        MemorySegment found = run(body, 4 * THREADS);
        MemorySegment source = MemorySegment.ofArray(source());
        for (int i = 0; i < THREADS; i++) {
            int expected = source.get(JAVA_INT.withByteAlignment(1), 16L * i + (i % 2 == 0 ? 0 : 4));
            assertEquals(expected, found.get(JAVA_INT.withByteAlignment(1), 4L * i), "thread " + i);
        }
        fails(
                body.replace("FIRST:\n    ld.shared.u32 %r4, [%r20]", "FIRST:\n    ld.shared.u32 %r4, [%r20+1024]"),
                "nothing has written");
    }

    /** A wait that is missing, that comes too early, or that waits for too little. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "COPY LOAD",
                "COPY cp.async.commit_group; LOAD",
                "COPY cp.async.commit_group; cp.async.wait_group 1; LOAD",
                "COPY cp.async.wait_group 0; LOAD",
                "cp.async.wait_all; COPY LOAD"
            })
    void missingWaits(String steps) {
        String body = steps.replace("COPY", COPY).replace("LOAD", LOAD);
        fails(body + STORE, "shared load of 4 bytes", "nothing has written");
        // What was there before the copy is not there any more.
        fails("st.shared.v4.u32 [%r20], {%r1, %r1, %r1, %r1};" + body + STORE, "nothing has written");
        run(body.replace(LOAD, "cp.async.wait_all;" + LOAD) + STORE, 4 * THREADS);
    }

    @Test
    void waitsAreNoBarriers() {
        String load = LOAD.replace("%r20", "%r21");
        String body = COPY + "cp.async.wait_all;\nBARRIER\n" + load + STORE;
        run(body.replace("BARRIER", "bar.sync 0;"), 4 * THREADS);
        run(body.replace("BARRIER", "bar.warp.sync -1;"), 4 * THREADS);
        fails(body.replace("BARRIER", ""), "shared load of 4 bytes", "races with a store of thread 1");
    }

    /** Copies into a place that others still read: at the copy, which may write at once, and at the wait. */
    @Test
    void copiesRaceWithReads() {
        String fill = COPY + "cp.async.wait_all; bar.sync 0;" + LOAD.replace("%r20", "%r21");
        run(fill + "bar.sync 0;" + COPY + "cp.async.wait_all;", 4 * THREADS);
        fails(
                fill + COPY + "bar.sync 0; cp.async.wait_all;",
                "shared store of 16 bytes",
                "races with a read",
                "cp.async.cg");
    }

    @Test
    void placesAreChecked() {
        fails(COPY.replace("%r20]", "%r20+8]"), "shared store of 16 bytes", "is not aligned to 16");
        fails(COPY.replace("%d3]", "%d3+8]"), "global load of 16 bytes", "is not aligned to 16");
        fails(COPY.replace("%r20]", "%r20+1040]"), "outside of the 2048 bytes of the block", "thread (63, 0, 0)");
        fails(COPY.replace("%d3]", "%d3+16]"), "outside of live memory", "thread (63, 0, 0)");
        fails(COPY.replace("16;", "16, 17;"), "a copy of 16 bytes reads 17");
        run(COPY.replace("%d3]", "%d3+16]").replace("16;", "16, 0;"), 4 * THREADS);
        fails(
                COPY.replace("%d3]", "%d3+1024]").replace("16;", "16, 5;"),
                "global load of 1 bytes",
                "outside of live memory");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "cp.async.cg.shared.global [%r20], [%d3], 8;",
                "cp.async.ca.shared.global [%r20], [%d3], 12;",
                "cp.async.ca.shared.global [%r20], [%r21], 16;",
                "cp.async.bulk.shared.global [%r20], [%d3], 16, [%r21];",
                "cp.async.wait_group %r4;",
                "cp.reduce.async [%r20];"
            })
    void unknownCopiesAreRefused(String statement) {
        try (SimulatedGpu gpu = new SimulatedGpu()) {
            CudaException refused =
                    assertThrows(CudaException.class, () -> gpu.kernel(PtxText.kernel(statement), "test"));
            assertTrue(refused.getMessage().contains("PTX:2"), refused.getMessage());
        }
    }
}
