package dev.nibble.simulator;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.nibble.foreign.CudaGraphs;
import dev.nibble.foreign.CudaMemory;
import dev.nibble.foreign.CudaStatus;
import dev.nibble.foreign.CudaStreams;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** Capture of streams into graphs, and what a capture forbids. */
@ExtendWith(NeedsCudaSimulator.class)
class DriverGraphsTest {
    private static final int UNSUPPORTED = 900;
    private static final int INVALIDATED = 901;
    private static final int MERGE = 902;
    private static final int UNMATCHED = 903;
    private static final int UNJOINED = 904;
    private static final int ISOLATION = 905;
    private static final int IMPLICIT = 906;
    private static final int CAPTURED_EVENT = 907;
    private static final int WRONG_THREAD = 908;
    private static final int ILLEGAL_STATE = 401;

    private CudaRig rig;
    private CudaMemory memory;
    private CudaStreams streams;
    private CudaGraphs graphs;
    private long first;
    private long second;
    private long event;
    private long pointer;

    @BeforeEach
    void open() {
        rig = new CudaRig();
        memory = rig.cuda.memory();
        streams = rig.cuda.streams();
        graphs = rig.cuda.graphs();
        first = streams.create(CudaStreams.NON_BLOCKING);
        second = streams.create(CudaStreams.NON_BLOCKING);
        event = streams.createEvent(CudaStreams.EVENT_DISABLE_TIMING);
        pointer = memory.allocate(16);
        memory.fillBytes(pointer, (byte) 0, 16, first);
    }

    @AfterEach
    void close() {
        streams.destroy(first);
        streams.destroy(second);
        streams.destroyEvent(event);
        memory.free(pointer);
        rig.close();
    }

    private byte[] bytes() {
        return rig.read(pointer, 4, first);
    }

    /** A fill, a copy of it on another stream, and a fill after both. */
    private long forked(int value) {
        graphs.beginCapture(first, CudaGraphs.CAPTURE_THREAD_LOCAL);
        memory.fillBytes(pointer, (byte) value, 1, first);
        streams.record(event, first);
        streams.waitEvent(second, event);
        memory.copy(pointer + 1, pointer, 1, second);
        streams.record(event, second);
        memory.fillBytes(pointer + 2, (byte) value, 1, first);
        streams.waitEvent(first, event);
        memory.copy(pointer + 3, pointer + 1, 1, first);
        return graphs.endCapture(first);
    }

    @Test
    void whatIsCapturedIsDoneWhenItIsLaunched() {
        long graph = forked(5);
        assertArrayEquals(new byte[] {0, 0, 0, 0}, bytes());
        assertEquals(4, graphs.nodes(graph).length);
        assertFalse(graphs.isCapturing(first) || graphs.isCapturing(second));
        long execution = graphs.instantiate(graph);
        graphs.destroy(graph);
        graphs.upload(execution, first);
        graphs.launch(execution, first);
        assertArrayEquals(new byte[] {5, 5, 5, 5}, bytes());
        memory.fillBytes(pointer, (byte) 1, 4, first);
        graphs.launch(execution, first);
        graphs.launch(execution, first);
        assertArrayEquals(new byte[] {5, 5, 5, 5}, bytes());
        graphs.destroyExecution(execution);
        assertEquals(CudaStatus.INVALID_HANDLE, CudaRig.code(() -> graphs.launch(execution, first)));
        assertEquals(CudaStatus.INVALID_HANDLE, CudaRig.code(() -> graphs.nodes(graph)));
    }

    @Test
    void whatDoesNotDependOnItComesBeforeIt() {
        graphs.beginCapture(first, CudaGraphs.CAPTURE_THREAD_LOCAL);
        streams.record(event, first);
        streams.waitEvent(second, event);
        memory.fillBytes(pointer, (byte) 7, 1, first);
        memory.copy(pointer + 1, pointer, 1, second); // a dependency that was forgotten
        streams.record(event, second);
        streams.waitEvent(first, event);
        long graph = graphs.endCapture(first);
        long execution = graphs.instantiate(graph);
        graphs.launch(execution, first);
        assertArrayEquals(new byte[] {7, 0, 0, 0}, bytes());
        graphs.destroyExecution(execution);
        graphs.destroy(graph);
    }

    @Test
    void anExecutionTakesOverAGraphOfTheSameShape() {
        long graph = forked(1);
        long other = forked(2);
        long execution = graphs.instantiate(graph);
        assertTrue(graphs.update(execution, other));
        graphs.launch(execution, first);
        assertArrayEquals(new byte[] {2, 2, 2, 2}, bytes());
        graphs.beginCapture(first, CudaGraphs.CAPTURE_THREAD_LOCAL);
        for (int i = 0; i < 4; i++) {
            memory.fillBytes(pointer + i, (byte) 3, 1, first);
        }
        long straight = graphs.endCapture(first);
        assertFalse(graphs.update(execution, straight));
        graphs.launch(execution, first);
        assertArrayEquals(new byte[] {2, 2, 2, 2}, bytes());
        for (long each : new long[] {graph, other, straight}) {
            graphs.destroy(each);
        }
        graphs.destroyExecution(execution);
    }

    @Test
    void aGraphMaySpanDevices() {
        rig.cuda.contexts().push(rig.context[1]);
        long other = streams.create(CudaStreams.NON_BLOCKING);
        long far = memory.allocate(16);
        long back = streams.createEvent(CudaStreams.EVENT_DISABLE_TIMING);
        rig.cuda.contexts().pop();
        graphs.beginCapture(first, CudaGraphs.CAPTURE_THREAD_LOCAL);
        memory.fillBytes(pointer, (byte) 4, 4, first);
        streams.record(event, first);
        streams.waitEvent(other, event);
        memory.copyPeer(far, rig.context[1], pointer, rig.context[0], 4, other);
        streams.record(back, other);
        streams.waitEvent(first, back);
        long graph = graphs.endCapture(first);
        long execution = graphs.instantiate(graph);
        graphs.launch(execution, first);
        streams.synchronize(first);
        assertArrayEquals(new byte[] {4, 4, 4, 4}, rig.read(far, 4, other));
        graphs.destroyExecution(execution);
        graphs.destroy(graph);
        streams.destroy(other);
        streams.destroyEvent(back);
        memory.free(far);
    }

    @Test
    void aCaptureForbidsWhatWouldWait() {
        graphs.beginCapture(first, CudaGraphs.CAPTURE_THREAD_LOCAL);
        assertTrue(graphs.isCapturing(first));
        assertEquals(UNSUPPORTED, CudaRig.code(() -> streams.synchronize(first)));
        assertEquals(INVALIDATED, CudaRig.code(() -> memory.fillBytes(pointer, (byte) 1, 1, first)));
        assertFalse(graphs.isCapturing(first));
        assertEquals(INVALIDATED, CudaRig.code(() -> graphs.endCapture(first)));
        assertEquals(ILLEGAL_STATE, CudaRig.code(() -> graphs.endCapture(first)));
        graphs.beginCapture(first, CudaGraphs.CAPTURE_GLOBAL);
        assertEquals(
                UNSUPPORTED,
                CompletableFuture.supplyAsync(() -> {
                            rig.cuda.contexts().push(rig.context[0]);
                            try {
                                return CudaRig.code(() -> memory.allocate(16));
                            } finally {
                                rig.cuda.contexts().pop();
                            }
                        })
                        .join());
        assertEquals(INVALIDATED, CudaRig.code(() -> graphs.endCapture(first)));
        graphs.beginCapture(first, CudaGraphs.CAPTURE_RELAXED);
        memory.free(memory.allocate(16));
        graphs.destroy(graphs.endCapture(first));
    }

    @Test
    void capturesKeepToThemselves() {
        long outside = streams.createEvent(CudaStreams.EVENT_DISABLE_TIMING);
        streams.record(outside, second);
        graphs.beginCapture(first, CudaGraphs.CAPTURE_RELAXED);
        assertEquals(ISOLATION, CudaRig.code(() -> streams.waitEvent(first, outside)));
        assertEquals(INVALIDATED, CudaRig.code(() -> graphs.endCapture(first)));
        graphs.beginCapture(first, CudaGraphs.CAPTURE_RELAXED);
        graphs.beginCapture(second, CudaGraphs.CAPTURE_RELAXED);
        streams.record(event, first);
        assertEquals(CAPTURED_EVENT, CudaRig.code(() -> streams.isEventDone(event)));
        assertEquals(MERGE, CudaRig.code(() -> streams.waitEvent(second, event)));
        assertEquals(INVALIDATED, CudaRig.code(() -> graphs.endCapture(second)));
        graphs.destroy(graphs.endCapture(first));
        streams.destroyEvent(outside);
    }

    @Test
    void aCaptureEndsWhereItBeganWithAllStreamsJoined() {
        graphs.beginCapture(first, CudaGraphs.CAPTURE_THREAD_LOCAL);
        assertEquals(ILLEGAL_STATE, CudaRig.code(() -> graphs.beginCapture(first, CudaGraphs.CAPTURE_RELAXED)));
        streams.record(event, first);
        streams.waitEvent(second, event);
        memory.fillBytes(pointer, (byte) 1, 1, second);
        assertEquals(UNMATCHED, CudaRig.code(() -> graphs.endCapture(second)));
        assertEquals(
                WRONG_THREAD,
                CompletableFuture.supplyAsync(() -> {
                            rig.cuda.contexts().push(rig.context[0]);
                            try {
                                return CudaRig.code(() -> graphs.endCapture(first));
                            } finally {
                                rig.cuda.contexts().pop();
                            }
                        })
                        .join());
        assertEquals(UNJOINED, CudaRig.code(() -> graphs.endCapture(first)));
        assertFalse(graphs.isCapturing(second));
    }

    @Test
    void theDefaultStreamIsOutOfReach() {
        assertEquals(UNSUPPORTED, CudaRig.code(() -> graphs.beginCapture(0, CudaGraphs.CAPTURE_RELAXED)));
        long blocking = streams.create(0);
        graphs.beginCapture(blocking, CudaGraphs.CAPTURE_RELAXED);
        assertEquals(IMPLICIT, CudaRig.code(() -> memory.fillBytes(pointer, (byte) 1, 1, 0)));
        assertEquals(INVALIDATED, CudaRig.code(() -> graphs.endCapture(blocking)));
        streams.destroy(blocking);
    }

    @Test
    void memoryThatIsGoneBreaksTheLaunch() {
        rig.expectLeaks();
        long gone = memory.allocate(16);
        graphs.beginCapture(first, CudaGraphs.CAPTURE_THREAD_LOCAL);
        memory.fillBytes(gone, (byte) 1, 16, first);
        long graph = graphs.endCapture(first);
        long execution = graphs.instantiate(graph);
        memory.free(gone);
        graphs.launch(execution, first);
        assertEquals(CudaStatus.ILLEGAL_ADDRESS, CudaRig.code(() -> streams.synchronize(first)));
        assertTrue(rig.simulator.message().contains("16 bytes"), rig.simulator.message());
        graphs.destroyExecution(execution);
        graphs.destroy(graph);
        rig.renewContext(0);
        first = streams.create(0);
        second = streams.create(0);
        event = streams.createEvent(0);
        pointer = memory.allocate(16);
    }
}
