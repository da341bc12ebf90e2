package dev.nibble.simulator;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.nibble.foreign.CudaException;
import dev.nibble.foreign.CudaMemory;
import dev.nibble.foreign.CudaStatus;
import dev.nibble.foreign.CudaStreams;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Failures that a test asks the simulator for, and what is left to do after them. */
@ExtendWith(NeedsCudaSimulator.class)
class DriverFaultsTest {
    private CudaRig rig;
    private CudaMemory memory;
    private CudaStreams streams;

    @BeforeEach
    void open() {
        rig = new CudaRig();
        memory = rig.cuda.memory();
        streams = rig.cuda.streams();
    }

    @AfterEach
    void close() {
        rig.close();
    }

    @Test
    void theKthCallFailsAndNoOther() {
        rig.simulator.fail("cuMemAlloc@2=2");
        long first = memory.allocate(16);
        CudaException error = assertThrows(CudaException.class, () -> memory.allocate(16));
        assertEquals("cuMemAlloc_v2 failed with CUDA_ERROR_OUT_OF_MEMORY (2): out of memory", error.getMessage());
        assertTrue(error.isOutOfMemory());
        memory.free(memory.allocate(16));
        assertEquals(3, rig.simulator.calls("cuMemAlloc"));
        memory.free(first);
    }

    @Test
    void allCallsFromTheKthOnFail() {
        rig.simulator.fail("cuEventCreate@2+=304;cuStreamCreate@1=2");
        long event = streams.createEvent(0);
        assertEquals(304, CudaRig.code(() -> streams.createEvent(0)));
        assertEquals(304, CudaRig.code(() -> streams.createEvent(0)));
        assertEquals(2, CudaRig.code(() -> streams.create(0)));
        streams.destroyEvent(event);
        rig.simulator.fail("");
        streams.destroyEvent(streams.createEvent(0));
    }

    @Test
    void anyCallMayBeTheOneThatFails() {
        rig.simulator.fail("call@3=999");
        long pointer = memory.allocate(16);
        memory.free(pointer);
        assertEquals(CudaStatus.UNKNOWN, CudaRig.code(rig.cuda.contexts()::synchronize));
        assertEquals(3, rig.simulator.calls("call"));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"cuMemAlloc", "cuMemAlloc@0=2", "@1=2", "a@1=x", "a@1=2;b", "a@1=lost:", "a@1=slow", "a@1=2 "})
    void textsThatAreNoFaultsAreRefused(String text) {
        assertThrows(IllegalArgumentException.class, () -> rig.simulator.fail(text));
    }

    @Test
    void aCopyThatFailsBreaksItsContextUntilItIsGone() {
        rig.expectLeaks();
        long stream = streams.create(0);
        long pointer = memory.allocate(16);
        rig.simulator.fail("copy@1=719");
        memory.copy(pointer, pointer + 8, 8, stream);
        assertEquals(CudaStatus.LAUNCH_FAILED, CudaRig.code(() -> streams.synchronize(stream)));
        assertTrue(rig.simulator.message().contains("8 bytes"), rig.simulator.message());
        CudaException error = assertThrows(CudaException.class, () -> memory.allocate(16));
        assertEquals(CudaStatus.LAUNCH_FAILED, error.code());
        assertTrue(error.isContextLost());
        assertTrue(error.getMessage().contains("fails as requested"), error.getMessage());
        assertEquals(CudaStatus.LAUNCH_FAILED, CudaRig.code(() -> memory.fillBytes(pointer, (byte) 0, 1, stream)));
        assertEquals(CudaStatus.LAUNCH_FAILED, CudaRig.code(() -> memory.free(pointer)));
        assertEquals(CudaStatus.LAUNCH_FAILED, CudaRig.code(() -> streams.destroy(stream)));
        rig.cuda.contexts().push(rig.context[1]);
        memory.free(memory.allocate(16));
        rig.cuda.contexts().pop();
        rig.renewContext(0);
        assertEquals(8L << 30, memory.free());
        memory.free(memory.allocate(16));
    }

    @Test
    void whatWasFreedInABrokenContextIsNoLeak() {
        long stream = streams.create(0);
        long pointer = memory.allocate(16);
        memory.fillBytes(pointer, (byte) 0, 16, stream);
        rig.simulator.fail("copy@1=700");
        memory.copy(pointer, pointer + 8, 8, stream);
        assertEquals(CudaStatus.ILLEGAL_ADDRESS, CudaRig.code(() -> streams.synchronize(stream)));
        assertEquals(CudaStatus.ILLEGAL_ADDRESS, CudaRig.code(() -> memory.free(pointer)));
        assertEquals(CudaStatus.ILLEGAL_ADDRESS, CudaRig.code(() -> streams.destroy(stream)));
    }

    @Test
    void aLostDeviceStaysLost() {
        rig.simulator.fail("cuMemAlloc@1=lost");
        assertEquals(CudaStatus.UNKNOWN, CudaRig.code(() -> memory.allocate(16)));
        assertEquals(CudaStatus.UNKNOWN, CudaRig.code(rig.cuda.contexts()::synchronize));
        rig.cuda.contexts().releasePrimary(rig.device[0]);
        assertEquals(CudaStatus.UNKNOWN, CudaRig.code(() -> rig.cuda.contexts().retainPrimary(rig.device[0])));
        rig.cuda.contexts().setCurrent(rig.context[1]);
        memory.free(memory.allocate(16));
        rig.simulator.fail("");
        rig.cuda.contexts().retainPrimary(rig.device[0]);
    }

    @Test
    void aDeviceIsLostWhileItWorks() {
        long stream = streams.create(0);
        long pointer = memory.allocate(16);
        rig.simulator.fail("copy@2=lost:214");
        memory.copy(pointer, pointer + 8, 8, stream);
        streams.synchronize(stream);
        memory.copy(pointer, pointer + 8, 8, stream);
        assertEquals(214, CudaRig.code(() -> streams.synchronize(stream)));
        assertEquals(214, CudaRig.code(() -> memory.free(pointer)));
        assertEquals(214, CudaRig.code(() -> streams.destroy(stream)));
    }

    @Test
    void aSlowCallIsSlow() {
        rig.simulator.fail("cuMemAlloc@1=slow:100");
        long start = System.nanoTime();
        memory.free(memory.allocate(16));
        assertTrue(System.nanoTime() - start >= 100_000_000L);
    }

    @Test
    void peersReachEachOthersMemoryWhereTheyMay() {
        var contexts = rig.cuda.contexts();
        assertTrue(rig.cuda.devices().canAccessPeer(rig.device[0], rig.device[1]));
        contexts.enablePeerAccess(rig.context[1]);
        assertEquals(
                CudaStatus.PEER_ACCESS_ALREADY_ENABLED, CudaRig.code(() -> contexts.enablePeerAccess(rig.context[1])));
        contexts.disablePeerAccess(rig.context[1]);
        assertEquals(
                CudaStatus.PEER_ACCESS_NOT_ENABLED, CudaRig.code(() -> contexts.disablePeerAccess(rig.context[1])));
        assertEquals(217, CudaRig.code(() -> contexts.enablePeerAccess(rig.context[0])));
        rig.simulator.setPeers(false);
        try {
            assertEquals(217, CudaRig.code(() -> contexts.enablePeerAccess(rig.context[1])));
            assertFalse(rig.cuda.devices().canAccessPeer(rig.device[0], rig.device[1]));
        } finally {
            rig.simulator.setPeers(true);
        }
    }

    @Test
    void copiesGoBetweenDevicesWithoutAccess() {
        long stream = streams.create(0);
        long here = memory.allocate(1000);
        rig.cuda.contexts().push(rig.context[1]);
        long there = memory.allocate(1000);
        rig.cuda.contexts().pop();
        var source = rig.random(3, 1000);
        memory.toDevice(here, source, stream);
        memory.copyPeer(there, rig.context[1], here, rig.context[0], 1000, stream);
        assertArrayEquals(source.toArray(JAVA_BYTE), rig.read(there, 1000, stream));
        assertEquals(
                CudaStatus.INVALID_VALUE,
                CudaRig.code(() -> memory.copyPeer(here, rig.context[1], there, rig.context[0], 1000, stream)));
        assertEquals(
                CudaStatus.INVALID_CONTEXT,
                CudaRig.code(() -> memory.copyPeer(there, 77, here, rig.context[0], 1000, stream)));
        memory.free(here);
        memory.free(there);
        streams.destroy(stream);
    }
}
