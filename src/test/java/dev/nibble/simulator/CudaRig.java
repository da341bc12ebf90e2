package dev.nibble.simulator;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.nibble.foreign.Cuda;
import dev.nibble.foreign.CudaException;
import dev.nibble.foreign.CudaLibrary;
import dev.nibble.foreign.CudaSimulator;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import org.junit.jupiter.api.function.Executable;

/** The primary contexts of two simulated devices, with the first one current; its end checks that the test left nothing alive. */
final class CudaRig implements AutoCloseable {
    final Cuda cuda = Objects.requireNonNull(CudaLibrary.system().calls());
    final CudaSimulator simulator = new CudaSimulator();
    final Arena arena = Arena.ofConfined();
    final int[] device = {cuda.devices().get(0), cuda.devices().get(1)};
    final long[] context = new long[2];
    private final List<Long> before;
    private boolean leaksWanted;

    CudaRig() {
        simulator.fail("");
        simulator.leaks();
        before = simulator.live();
        for (int i = 0; i < 2; i++) {
            context[i] = cuda.contexts().retainPrimary(device[i]);
        }
        cuda.contexts().push(context[0]);
    }

    /** The test leaves something alive, on purpose. */
    void expectLeaks() {
        leaksWanted = true;
    }

    /** The error that a call ends with. */
    static int code(Executable call) {
        return assertThrows(CudaException.class, call).code();
    }

    MemorySegment random(long seed, int bytes) {
        byte[] values = new byte[bytes];
        new Random(seed).nextBytes(values);
        return arena.allocateFrom(ValueLayout.JAVA_BYTE, values);
    }

    /** What device memory holds once a stream is done. */
    byte[] read(long pointer, int bytes, long stream) {
        MemorySegment target = arena.allocate(bytes);
        target.fill((byte) 0x5a);
        cuda.memory().toHost(target, pointer, stream);
        cuda.streams().synchronize(stream);
        return target.toArray(ValueLayout.JAVA_BYTE);
    }

    /** Ends a primary context, which is of no use any more, and makes another one, which becomes the current one. */
    void renewContext(int index) {
        cuda.contexts().releasePrimary(device[index]);
        context[index] = cuda.contexts().retainPrimary(device[index]);
        cuda.contexts().setCurrent(context[index]);
    }

    @Override
    public void close() {
        simulator.fail("");
        while (cuda.contexts().current() != 0) {
            cuda.contexts().pop();
        }
        for (int i = 0; i < 2; i++) {
            cuda.contexts().releasePrimary(device[i]);
        }
        arena.close();
        long left = simulator.leaks().stream().mapToLong(Long::longValue).sum();
        if (!leaksWanted) {
            assertEquals(0, left, "objects that a context ended with");
        }
        assertEquals(before, simulator.live());
    }
}
