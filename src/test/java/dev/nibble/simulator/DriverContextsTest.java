package dev.nibble.simulator;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.nibble.foreign.CudaAttribute;
import dev.nibble.foreign.CudaContexts;
import dev.nibble.foreign.CudaSimulator;
import dev.nibble.foreign.CudaStatus;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** Devices, primary contexts, and the stack of contexts that each thread has. */
@ExtendWith(NeedsCudaSimulator.class)
class DriverContextsTest {
    private CudaRig rig;

    @BeforeEach
    void open() {
        rig = new CudaRig();
    }

    @AfterEach
    void close() {
        rig.close();
    }

    private static <T> T inAnotherThread(Callable<T> call) throws Exception {
        try (var thread = Executors.newSingleThreadExecutor()) {
            return thread.submit(call).get();
        }
    }

    @Test
    void devicesSayThatTheyAreSimulated() {
        var devices = rig.cuda.devices();
        for (int device : rig.device) {
            assertTrue(devices.name(device).contains("simulated"), devices.name(device));
            assertEquals(8L << 30, devices.totalMemory(device));
            assertEquals(32, devices.attribute(device, CudaAttribute.WARP_SIZE));
            assertEquals(8, devices.attribute(device, CudaAttribute.COMPUTE_CAPABILITY_MAJOR));
            assertEquals(0, devices.attribute(device, CudaAttribute.COMPUTE_CAPABILITY_MINOR));
            assertEquals(163 << 10, devices.attribute(device, CudaAttribute.MAX_SHARED_MEMORY_PER_BLOCK_OPTIN));
        }
        assertNotEquals(devices.uuid(rig.device[0]), devices.uuid(rig.device[1]));
        assertTrue(rig.cuda.version() >= 11040);
    }

    @Test
    void devicesThatThereAreNotAreRefused() {
        var devices = rig.cuda.devices();
        int count = devices.count();
        assertEquals(CudaStatus.INVALID_DEVICE, CudaRig.code(() -> devices.get(count)));
        assertEquals(CudaStatus.INVALID_DEVICE, CudaRig.code(() -> devices.get(-1)));
        assertEquals(CudaStatus.INVALID_DEVICE, CudaRig.code(() -> devices.name(7)));
        assertEquals(CudaStatus.INVALID_DEVICE, CudaRig.code(() -> devices.totalMemory(7)));
        assertEquals(CudaStatus.INVALID_DEVICE, CudaRig.code(() -> devices.canAccessPeer(0, 7)));
        assertEquals(
                CudaStatus.INVALID_DEVICE,
                CudaRig.code(() -> rig.cuda.contexts().retainPrimary(count)));
    }

    @Test
    void aThreadHasAStackOfContexts() {
        var contexts = rig.cuda.contexts();
        assertEquals(rig.context[0], contexts.current());
        contexts.push(rig.context[1]);
        assertEquals(rig.device[1], contexts.device());
        contexts.push(rig.context[0]);
        assertEquals(rig.context[0], contexts.pop());
        assertEquals(rig.context[1], contexts.current());
        contexts.setCurrent(rig.context[0]);
        assertEquals(rig.device[0], contexts.device());
        assertEquals(rig.context[0], contexts.pop());
        assertEquals(rig.context[0], contexts.pop());
        assertEquals(0, contexts.current());
        assertEquals(CudaStatus.INVALID_CONTEXT, CudaRig.code(contexts::pop));
    }

    @Test
    void threadsHaveStacksOfTheirOwn() throws Exception {
        var contexts = rig.cuda.contexts();
        assertEquals(0L, inAnotherThread(contexts::current));
        assertEquals(CudaStatus.INVALID_CONTEXT, inAnotherThread(() -> CudaRig.code(contexts::device)));
        assertEquals(
                CudaStatus.INVALID_CONTEXT,
                inAnotherThread(() -> CudaRig.code(() -> rig.cuda.memory().allocate(16))));
        assertEquals(rig.device[1], inAnotherThread(() -> {
            contexts.setCurrent(rig.context[1]);
            return contexts.device();
        }));
        assertEquals(rig.context[0], contexts.current());
    }

    @Test
    void callsWithoutAContextAreRefused() {
        var contexts = rig.cuda.contexts();
        long stream = rig.cuda.streams().create(0);
        long event = rig.cuda.streams().createEvent(0);
        contexts.setCurrent(0);
        assertEquals(CudaStatus.INVALID_CONTEXT, CudaRig.code(contexts::synchronize));
        assertEquals(
                CudaStatus.INVALID_CONTEXT,
                CudaRig.code(() -> rig.cuda.streams().create(0)));
        assertEquals(
                CudaStatus.INVALID_CONTEXT,
                CudaRig.code(() -> rig.cuda.streams().synchronize(stream)));
        assertEquals(
                CudaStatus.INVALID_CONTEXT,
                CudaRig.code(() -> rig.cuda.streams().record(event, stream)));
        assertEquals(
                CudaStatus.INVALID_CONTEXT, CudaRig.code(() -> rig.cuda.memory().free()));
        assertEquals(
                CudaStatus.INVALID_CONTEXT,
                CudaRig.code(() -> rig.cuda.modules().load(".version 7.0")));
        contexts.push(rig.context[0]);
        rig.cuda.streams().destroy(stream);
        rig.cuda.streams().destroyEvent(event);
    }

    @Test
    void handlesThatAreNoContextsAreRefused() {
        var contexts = rig.cuda.contexts();
        long stream = rig.cuda.streams().create(0);
        assertEquals(CudaStatus.INVALID_CONTEXT, CudaRig.code(() -> contexts.push(12345)));
        assertEquals(CudaStatus.INVALID_CONTEXT, CudaRig.code(() -> contexts.setCurrent(stream)));
        assertEquals(CudaStatus.INVALID_CONTEXT, CudaRig.code(() -> contexts.push(0)));
        assertEquals(rig.context[0], contexts.current());
        rig.cuda.streams().destroy(stream);
    }

    @Test
    void aPrimaryContextLivesAsLongAsItHasOwners() {
        var contexts = rig.cuda.contexts();
        assertEquals(rig.context[1], contexts.retainPrimary(rig.device[1]));
        contexts.releasePrimary(rig.device[1]);
        assertTrue(contexts.isPrimaryActive(rig.device[1]));
        contexts.push(rig.context[1]);
        contexts.releasePrimary(rig.device[1]);
        assertFalse(contexts.isPrimaryActive(rig.device[1]));
        assertEquals(CudaStatus.CONTEXT_IS_DESTROYED, CudaRig.code(contexts::synchronize));
        assertEquals(CudaStatus.INVALID_CONTEXT, CudaRig.code(() -> contexts.push(rig.context[1])));
        assertEquals(CudaStatus.INVALID_CONTEXT, CudaRig.code(() -> contexts.releasePrimary(rig.device[1])));
        contexts.pop();
        contexts.retainPrimary(rig.device[1]);
    }

    @Test
    void flagsOfPrimaryContextsStay() {
        var contexts = rig.cuda.contexts();
        contexts.setPrimaryFlags(rig.device[1], CudaContexts.BLOCKING_SYNC);
        assertEquals(CudaContexts.BLOCKING_SYNC, contexts.primaryFlags(rig.device[1]));
        assertEquals(0, contexts.primaryFlags(rig.device[0]));
        contexts.setPrimaryFlags(rig.device[1], 0);
        assertEquals(CudaStatus.INVALID_VALUE, CudaRig.code(() -> contexts.setPrimaryFlags(rig.device[1], 1 << 20)));
    }

    @Test
    void whatAContextEndsWithIsCountedAndFreed() {
        rig.expectLeaks();
        rig.cuda.contexts().push(rig.context[1]);
        long free = rig.cuda.memory().free();
        rig.cuda.memory().allocate(1000);
        rig.cuda.memory().allocate(24);
        rig.cuda.memory().allocateHost(4096, 0);
        rig.cuda.streams().create(0);
        rig.cuda.streams().createEvent(0);
        assertTrue(rig.cuda.memory().free() < free);
        rig.cuda.contexts().pop();
        rig.cuda.contexts().releasePrimary(rig.device[1]);
        List<Long> leaks = rig.simulator.leaks();
        assertEquals(2, leaks.get(CudaSimulator.Kind.ALLOCATIONS.ordinal()));
        assertEquals(1024, leaks.get(CudaSimulator.Kind.BYTES.ordinal()));
        assertEquals(1, leaks.get(CudaSimulator.Kind.HOST_ALLOCATIONS.ordinal()));
        assertEquals(1, leaks.get(CudaSimulator.Kind.STREAMS.ordinal()));
        assertEquals(1, leaks.get(CudaSimulator.Kind.EVENTS.ordinal()));
        rig.cuda.contexts().push(rig.cuda.contexts().retainPrimary(rig.device[1]));
        assertEquals(free, rig.cuda.memory().free());
    }
}
