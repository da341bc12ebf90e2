package dev.nibble.foreign;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.LongStream;

/** What tests ask of the CUDA simulator beside the driver's functions: faults, and counts of what is alive. */
@SuppressWarnings("restricted") // calls native functions
public final class CudaSimulator {
    /** Kinds of things that are counted. */
    public enum Kind {
        ALLOCATIONS,
        BYTES,
        HOST_ALLOCATIONS,
        STREAMS,
        EVENTS,
        MODULES,
        GRAPHS,
        EXECUTIONS,
        CONTEXTS
    }

    private static final int LONGEST_MESSAGE = 1 << 14;

    private final SymbolLookup library = SymbolLookup.libraryLookup(Path.of(file()), Arena.global());

    /** The file of the driver library that tests run on. */
    public static String file() {
        String chosen = System.getProperty(CudaLibrary.PROPERTY, "libcuda.so.1");
        return chosen.equals(CudaLibrary.SIMULATOR) ? CudaLibrary.simulator() : chosen;
    }

    /**
     * What is to fail from now on, of which {@code native/cuda-simulator/fault_requests.h} tells; empty: nothing. Devices that were lost are
     * back.
     */
    public void fail(String faults) {
        try (Arena arena = Arena.ofConfined()) {
            int understood = call("nibbleSimulatorFaults", arena.allocateFrom(faults));
            if (understood == 0) {
                throw new IllegalArgumentException("the simulator does not understand: " + faults);
            }
        }
    }

    /** How often a function was called since {@link #fail}. */
    public long calls(String function) {
        try (Arena arena = Arena.ofConfined()) {
            return (long) Linker.nativeLinker()
                    .downcallHandle(
                            library.findOrThrow("nibbleSimulatorCalls"), FunctionDescriptor.of(JAVA_LONG, ADDRESS))
                    .invokeExact(arena.allocateFrom(function));
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }

    /** What the last fault was. */
    public String message() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment text = arena.allocate(LONGEST_MESSAGE);
            int length = (int) Linker.nativeLinker()
                    .downcallHandle(
                            library.findOrThrow("nibbleSimulatorMessage"),
                            FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_LONG))
                    .invokeExact(text, (long) LONGEST_MESSAGE);
            return length == 0 ? "" : text.getString(0);
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }

    /** How much is alive, by {@link Kind}. */
    public List<Long> live() {
        return counts("nibbleSimulatorLive");
    }

    /** How much was alive when its context ended, by {@link Kind}, since the last call. */
    public List<Long> leaks() {
        return counts("nibbleSimulatorLeaks");
    }

    /** Whether devices reach each other's memory from now on. */
    public void setPeers(boolean possible) {
        try {
            int ignored = (int) Linker.nativeLinker()
                    .downcallHandle(
                            library.findOrThrow("nibbleSimulatorPeers"), FunctionDescriptor.of(JAVA_INT, JAVA_INT))
                    .invokeExact(possible ? 1 : 0);
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }

    /**
     * What the first device consumes from now on, the second one twice as much, and so on.
     *
     * @param milliwatts 0: devices do not tell
     * @param counts whether they count energy, rather than tell the power of the moment alone
     */
    public void setPower(int milliwatts, boolean counts) {
        try {
            int ignored = (int) Linker.nativeLinker()
                    .downcallHandle(
                            library.findOrThrow("nibbleSimulatorPower"),
                            FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT))
                    .invokeExact(milliwatts, counts ? 1 : 0);
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }

    private List<Long> counts(String function) {
        int kinds = Kind.values().length;
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment numbers = arena.allocate(ValueLayout.JAVA_LONG, kinds);
            int found = (int) Linker.nativeLinker()
                    .downcallHandle(library.findOrThrow(function), FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_INT))
                    .invokeExact(numbers, kinds);
            if (found != kinds) {
                throw new AssertionError("the simulator counts " + found + " kinds of things");
            }
            return LongStream.of(numbers.toArray(JAVA_LONG)).boxed().toList();
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }

    private int call(String function, MemorySegment argument) {
        try {
            return (int) Linker.nativeLinker()
                    .downcallHandle(library.findOrThrow(function), FunctionDescriptor.of(JAVA_INT, ADDRESS))
                    .invokeExact(argument);
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }
}
