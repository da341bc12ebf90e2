package dev.nibble.simulator;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import dev.nibble.foreign.Cuda;
import dev.nibble.foreign.CudaGraphs;
import dev.nibble.foreign.CudaMemory;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/** Threads that work at the same time, on two devices, wait for each other's events and capture graphs. */
@ExtendWith(NeedsCudaSimulator.class)
class DriverThreadsTest {
    private static final int THREADS = 4;
    private static final int ROUNDS = 25;
    private static final int BYTES = 64;

    @Test
    @Timeout(120)
    void threadsDoNotDisturbEachOther() throws Exception {
        try (CudaRig rig = new CudaRig();
                var pool = Executors.newFixedThreadPool(THREADS)) {
            long event = rig.cuda.streams().createEvent(0);
            rig.cuda.streams().record(event, 0);
            List<Callable<Void>> tasks = IntStream.range(0, THREADS)
                    .<Callable<Void>>mapToObj(thread -> () -> {
                        rig.cuda.contexts().push(rig.context[thread % 2]);
                        for (int round = 0; round < ROUNDS; round++) {
                            round(rig.cuda, new Random(1000L * thread + round), event, thread % 2 == 0);
                        }
                        rig.cuda.contexts().pop();
                        return null;
                    })
                    .toList();
            for (var task : pool.invokeAll(tasks)) {
                task.get();
            }
            rig.cuda.streams().destroyEvent(event);
        }
    }

    private static void round(Cuda cuda, Random random, long shared, boolean owner) {
        try (Arena arena = Arena.ofConfined()) {
            long stream = cuda.streams().create(random.nextInt(2));
            long first = cuda.memory().allocate(BYTES);
            long second = cuda.memory().allocate(BYTES);
            byte[] expected = new byte[BYTES];
            random.nextBytes(expected);
            cuda.memory().toDevice(first, arena.allocateFrom(ValueLayout.JAVA_BYTE, expected), stream);
            if (owner) {
                cuda.streams().record(shared, stream);
            }
            cuda.streams().waitEvent(stream, shared);
            replay(cuda, first, second, stream);
            MemorySegment back = cuda.memory().allocateHost(BYTES, CudaMemory.PORTABLE);
            cuda.memory().toHost(back, second, stream);
            cuda.streams().synchronize(stream);
            assertArrayEquals(expected, back.toArray(ValueLayout.JAVA_BYTE));
            cuda.memory().freeHost(back);
            cuda.memory().free(first);
            cuda.memory().free(second);
            cuda.streams().destroy(stream);
        }
    }

    private static void replay(Cuda cuda, long source, long target, long stream) {
        long capturing = cuda.streams().create(1);
        cuda.graphs().beginCapture(capturing, CudaGraphs.CAPTURE_THREAD_LOCAL);
        for (int i = 0; i < BYTES; i += 16) {
            cuda.memory().copy(target + i, source + i, 16, capturing);
        }
        long graph = cuda.graphs().endCapture(capturing);
        long execution = cuda.graphs().instantiate(graph);
        cuda.graphs().launch(execution, stream);
        cuda.graphs().destroyExecution(execution);
        cuda.graphs().destroy(graph);
        cuda.streams().destroy(capturing);
    }
}
