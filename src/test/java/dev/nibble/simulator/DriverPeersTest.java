package dev.nibble.simulator;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.nibble.foreign.CudaGrid;
import dev.nibble.foreign.CudaLaunch;
import dev.nibble.foreign.CudaMemory;
import dev.nibble.foreign.CudaStatus;
import java.lang.foreign.MemorySegment;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/** Kernels of two devices that wait for each other while both run. */
@ExtendWith(NeedsCudaSimulator.class)
@Timeout(60)
class DriverPeersTest {
    /** Words of a block's place: a number for the one side and, behind it, what it carries. */
    private static final int PLACE = 2;

    private static final int BLOCKS = 9;
    private static final int ROUNDS = 20;

    /**
     * For each round, a block writes round × 3 into the other's place, then the round itself with a release; waits until its own place has
     * the round, and checks what came with it. p0: where it writes, p1: where it waits, p2: rounds. A block that waits for more than 400 ms
     * writes -1 to where it waits.
     */
    private static final String PING = PtxText.kernel("""
                mul.wide.u32 %d3, %r30, 8;
                add.s64 %d4, %d0, %d3;
                add.s64 %d5, %d1, %d3;
                mov.u32 %r3, 0;
                mov.u64 %d6, %globaltimer;
            ROUND:
                add.u32 %r3, %r3, 1;
                mul.lo.u32 %r4, %r3, 3;
                st.global.u32 [%d4+4], %r4;
                st.release.sys.global.u32 [%d4], %r3;
            WAIT:
                ld.acquire.sys.global.u32 %r5, [%d5];
                setp.ge.s32 %p0, %r5, %r3;
                @%p0 bra CAME;
                nanosleep.u32 100;
                mov.u64 %d7, %globaltimer;
                sub.u64 %d7, %d7, %d6;
                setp.lt.u64 %p1, %d7, 400000000;
                @%p1 bra WAIT;
                st.global.u32 [%d5], -1;
                bra END;
            CAME:
                ld.global.u32 %r6, [%d5+4];
                setp.lt.u32 %p2, %r6, %r4;
                @%p2 trap;
                setp.lt.u32 %p3, %r3, %r0;
                @%p3 bra ROUND;
            END:
            """);

    private CudaRig rig;
    private final long[] kernel = new long[2];
    private final long[] stream = new long[2];
    private final long[] places = new long[2];

    @BeforeEach
    void open() {
        rig = new CudaRig();
        rig.simulator.setPeers(true);
        for (int i = 0; i < 2; i++) {
            rig.cuda.contexts().setCurrent(rig.context[i]);
            kernel[i] = rig.cuda.modules().function(rig.cuda.modules().load(PING), "test");
            stream[i] = rig.cuda.streams().create(1);
            places[i] = rig.cuda.memory().allocate(4L * PLACE * BLOCKS);
            rig.cuda.memory().fillInts(places[i], 0, (long) PLACE * BLOCKS, stream[i]);
            rig.cuda.streams().synchronize(stream[i]);
        }
        rig.expectLeaks();
    }

    @AfterEach
    void close() {
        rig.close();
    }

    private void enable(int device, int peer) {
        rig.cuda.contexts().setCurrent(rig.context[device]);
        rig.cuda.contexts().enablePeerAccess(rig.context[peer]);
    }

    private void launch(int device, long[] at) {
        rig.cuda.contexts().setCurrent(rig.context[device]);
        MemorySegment values = rig.arena.allocate(JAVA_LONG, 3);
        values.setAtIndex(JAVA_LONG, 0, at[1 - device]);
        values.setAtIndex(JAVA_LONG, 1, at[device]);
        values.setAtIndex(JAVA_INT, 4, ROUNDS);
        MemorySegment pointers = rig.arena.allocate(ADDRESS, 3);
        for (int i = 0; i < 3; i++) {
            pointers.setAtIndex(ADDRESS, i, values.asSlice(8L * i));
        }
        CudaLaunch call = new CudaLaunch(kernel[device], CudaGrid.of(BLOCKS, 1), CudaGrid.of(1, 1), 0, pointers);
        rig.cuda.modules().launch(call, stream[device]);
    }

    private int[] words(int device) {
        rig.cuda.contexts().setCurrent(rig.context[device]);
        MemorySegment bytes = MemorySegment.ofArray(rig.read(places[device], 4 * PLACE * BLOCKS, stream[device]));
        int[] words = new int[PLACE * BLOCKS];
        for (int i = 0; i < words.length; i++) {
            words[i] = bytes.get(JAVA_INT.withByteAlignment(1), 4L * i);
        }
        return words;
    }

    /** More blocks than the machine has threads: each comes to its end. */
    @Test
    void blocksOfTwoDevicesWaitForEachOther() {
        enable(0, 1);
        enable(1, 0);
        launch(0, places);
        launch(1, places);
        for (int device = 0; device < 2; device++) {
            int[] words = words(device);
            for (int block = 0; block < BLOCKS; block++) {
                assertEquals(ROUNDS, words[PLACE * block], "device " + device + ", block " + block);
                assertEquals(3 * ROUNDS, words[PLACE * block + 1]);
            }
        }
    }

    /** Pinned memory is one for both, without any right to reach the other's. */
    @Test
    void pinnedMemoryServesBoth() {
        MemorySegment host =
                rig.cuda.memory().allocateHost(8L * PLACE * BLOCKS, CudaMemory.PORTABLE | CudaMemory.MAPPED);
        host.fill((byte) 0);
        long[] at = {host.address(), host.address() + 4L * PLACE * BLOCKS};
        launch(0, at);
        launch(1, at);
        rig.cuda.streams().synchronize(stream[0]);
        rig.cuda.streams().synchronize(stream[1]);
        assertEquals(ROUNDS, host.get(JAVA_INT, 0));
        assertEquals(3 * ROUNDS, host.get(JAVA_INT, 8L * PLACE * BLOCKS - 4));
        rig.cuda.memory().freeHost(host);
    }

    /** Time passes for a kernel that waits in vain. */
    @Test
    void aKernelStopsWaitingByTheClock() {
        enable(0, 1);
        enable(1, 0);
        long start = System.nanoTime();
        rig.simulator.fail("kernel@2=hang");
        launch(0, places);
        while (rig.simulator.calls("kernel") == 0) {
            Thread.onSpinWait();
        }
        launch(1, places);
        int[] words = words(0);
        assertTrue(System.nanoTime() - start >= 400_000_000L);
        for (int block = 0; block < BLOCKS; block++) {
            assertEquals(-1, words[PLACE * block]);
        }
        rig.cuda.contexts().setCurrent(rig.context[1]);
        assertFalse(rig.cuda.streams().isDone(stream[1]));
        rig.simulator.fail("");
        rig.cuda.streams().synchronize(stream[1]);
    }

    /** A device that may not reach the other's memory is told where it went. */
    @Test
    void theOtherMemoryIsNotReachedUnasked() {
        launch(0, places);
        assertEquals(
                CudaStatus.ILLEGAL_ADDRESS,
                CudaRig.code(() -> rig.cuda.streams().synchronize(stream[0])));
        assertTrue(rig.simulator.message().contains("outside of live memory"), rig.simulator.message());
    }
}
