package dev.nibble.simulator;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.nibble.foreign.CudaMemory;
import dev.nibble.foreign.CudaStatus;
import dev.nibble.foreign.CudaStreams;
import java.lang.foreign.MemorySegment;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** The order of work on streams, and events between them. A slow copy on one stream shows who waits for it. */
@ExtendWith(NeedsCudaSimulator.class)
class DriverStreamsTest {
    private static final long SLOW = 300;

    private CudaRig rig;
    private CudaMemory memory;
    private CudaStreams streams;
    private long first;
    private long second;
    private long pointer;
    private MemorySegment pinned;

    @BeforeEach
    void open() {
        rig = new CudaRig();
        memory = rig.cuda.memory();
        streams = rig.cuda.streams();
        first = streams.create(CudaStreams.NON_BLOCKING);
        second = streams.create(CudaStreams.NON_BLOCKING);
        pointer = memory.allocate(64);
        pinned = memory.allocateHost(64, CudaMemory.PORTABLE);
        pinned.fill((byte) 1);
        memory.fillBytes(pointer, (byte) 0, 64, first);
        streams.synchronize(first);
        rig.simulator.fail("copy@1=slow:" + SLOW);
    }

    @AfterEach
    void close() {
        memory.free(pointer);
        memory.freeHost(pinned);
        streams.destroy(first);
        streams.destroy(second);
        rig.close();
    }

    /** What the host's memory holds after a slow copy on one stream and a quick one back on another. */
    private int afterCopies(long writer, Runnable between, long reader) {
        MemorySegment back = memory.allocateHost(64, 0);
        back.fill((byte) 9);
        memory.toDevice(pointer, pinned, writer);
        while (rig.simulator.calls("copy") == 0) {
            Thread.onSpinWait();
        }
        between.run();
        memory.toHost(back, pointer, reader);
        streams.synchronize(reader);
        int value = back.get(JAVA_BYTE, 63);
        streams.synchronize(writer);
        memory.freeHost(back);
        return value;
    }

    @Test
    void aStreamKeepsItsOrder() {
        assertEquals(1, afterCopies(first, () -> {}, first));
    }

    @Test
    void streamsDoNotWaitForEachOther() {
        assertEquals(0, afterCopies(first, () -> {}, second));
    }

    @Test
    void aStreamWaitsForAnEvent() {
        long event = streams.createEvent(CudaStreams.EVENT_DISABLE_TIMING);
        assertEquals(
                1,
                afterCopies(
                        first,
                        () -> {
                            streams.record(event, first);
                            streams.waitEvent(second, event);
                            streams.destroyEvent(event);
                        },
                        second));
    }

    @Test
    void aStreamWaitsForTheEventAsItWasRecordedThen() {
        long event = streams.createEvent(0);
        streams.record(event, first);
        streams.synchronize(first);
        streams.waitEvent(second, event);
        assertEquals(0, afterCopies(first, () -> streams.record(event, first), second));
        streams.destroyEvent(event);
    }

    @Test
    void anEventOrdersTwoDevices() {
        rig.cuda.contexts().push(rig.context[1]);
        long other = streams.create(0);
        rig.cuda.contexts().pop();
        long event = streams.createEvent(0);
        assertEquals(
                1,
                afterCopies(
                        first,
                        () -> {
                            streams.record(event, first);
                            streams.waitEvent(other, event);
                        },
                        other));
        assertEquals(rig.context[1], streams.context(other));
        streams.destroyEvent(event);
        streams.destroy(other);
    }

    @Test
    void theDefaultStreamWaitsForOthersAndTheyForIt() {
        long blocking = streams.create(0);
        assertEquals(1, afterCopies(blocking, () -> {}, 0));
        rig.simulator.fail("copy@1=slow:" + SLOW);
        pinned.fill((byte) 2);
        assertEquals(2, afterCopies(0, () -> {}, blocking));
        streams.destroy(blocking);
    }

    @Test
    void theDefaultStreamDoesNotWaitForStreamsThatAreNotBlocking() {
        assertEquals(0, afterCopies(first, () -> {}, 0));
    }

    @Test
    void streamsAndEventsSayWhetherTheyAreDone() {
        long event = streams.createEvent(0);
        assertTrue(streams.isEventDone(event));
        streams.synchronizeEvent(event);
        memory.toDevice(pointer, pinned, first);
        streams.record(event, first);
        assertFalse(streams.isDone(first));
        assertFalse(streams.isEventDone(event));
        assertTrue(streams.isDone(second));
        streams.synchronizeEvent(event);
        assertTrue(streams.isEventDone(event));
        streams.synchronize(first);
        assertTrue(streams.isDone(first));
        streams.destroyEvent(event);
    }

    @Test
    void eventsKeepTime() {
        long start = streams.createEvent(0);
        long end = streams.createEvent(0);
        long timeless = streams.createEvent(CudaStreams.EVENT_DISABLE_TIMING);
        assertEquals(CudaStatus.INVALID_HANDLE, CudaRig.code(() -> streams.elapsed(start, end)));
        streams.record(start, first);
        memory.toDevice(pointer, pinned, first);
        streams.record(end, first);
        streams.record(timeless, first);
        assertEquals(CudaStatus.NOT_READY, CudaRig.code(() -> streams.elapsed(start, end)));
        streams.synchronize(first);
        float time = streams.elapsed(start, end);
        assertTrue(time >= SLOW && time < 100 * SLOW, () -> "elapsed " + time);
        assertEquals(CudaStatus.INVALID_HANDLE, CudaRig.code(() -> streams.elapsed(start, timeless)));
        streams.destroyEvent(start);
        streams.destroyEvent(end);
        streams.destroyEvent(timeless);
    }

    @Test
    void handlesThatAreNotLiveAreRefused() {
        long stream = streams.create(0);
        long event = streams.createEvent(0);
        streams.destroy(stream);
        streams.destroyEvent(event);
        assertEquals(CudaStatus.INVALID_HANDLE, CudaRig.code(() -> streams.synchronize(stream)));
        assertEquals(CudaStatus.INVALID_HANDLE, CudaRig.code(() -> streams.destroy(stream)));
        assertEquals(CudaStatus.INVALID_HANDLE, CudaRig.code(() -> streams.record(event, first)));
        assertEquals(CudaStatus.INVALID_HANDLE, CudaRig.code(() -> streams.waitEvent(first, event)));
        assertEquals(CudaStatus.INVALID_HANDLE, CudaRig.code(() -> streams.synchronize(rig.context[0])));
        assertEquals(CudaStatus.INVALID_VALUE, CudaRig.code(() -> streams.create(64)));
        assertEquals(CudaStatus.INVALID_VALUE, CudaRig.code(() -> streams.createEvent(64)));
    }

    @Test
    void anEventBelongsToTheDeviceOfItsStream() {
        rig.cuda.contexts().push(rig.context[1]);
        long event = streams.createEvent(0);
        rig.cuda.contexts().pop();
        assertEquals(CudaStatus.INVALID_HANDLE, CudaRig.code(() -> streams.record(event, first)));
        streams.destroyEvent(event);
    }

    @Test
    void whatADestroyedStreamWasToDoIsDone() {
        long stream = streams.create(CudaStreams.NON_BLOCKING);
        memory.toDevice(pointer, pinned, stream);
        streams.destroy(stream);
        rig.cuda.contexts().synchronize();
        assertEquals(1, rig.read(pointer, 64, first)[63]);
    }
}
