package dev.nibble.simulator;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.nibble.foreign.CudaLibrary;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.util.EnumMap;
import java.util.Map;

/** What tests ask of the simulated CUDA driver beside the driver's functions: faults, counts of calls and of what is alive. */
@SuppressWarnings("restricted") // calls native functions
public final class CudaSimulator {
    /** The kinds of what is counted, in the simulator's order. */
    public enum Kind {
        ALLOCATIONS,
        ALLOCATED_BYTES,
        HOST_ALLOCATIONS,
        STREAMS,
        EVENTS,
        MODULES,
        GRAPHS,
        EXECUTIONS,
        CONTEXTS
    }

    private static final int LONGEST_MESSAGE = 4096;

    private final MethodHandle message;
    private final MethodHandle faults;
    private final MethodHandle calls;
    private final MethodHandle live;
    private final MethodHandle leaks;
    private final MethodHandle peers;

    private CudaSimulator(SymbolLookup library) {
        message = bind(library, "nibbleSimulatorMessage", JAVA_INT, ADDRESS, JAVA_LONG);
        faults = bind(library, "nibbleSimulatorFaults", JAVA_INT, ADDRESS);
        calls = bind(library, "nibbleSimulatorCalls", JAVA_LONG, ADDRESS);
        live = bind(library, "nibbleSimulatorLive", JAVA_INT, ADDRESS, JAVA_INT);
        leaks = bind(library, "nibbleSimulatorLeaks", JAVA_INT, ADDRESS, JAVA_INT);
        peers = bind(library, "nibbleSimulatorPeers", JAVA_INT, JAVA_INT);
    }

    /** The simulator that the system's driver is; for tests that {@link NeedsCudaSimulator}. */
    public static CudaSimulator get() {
        return Holder.SIMULATOR;
    }

    private static MethodHandle bind(
            SymbolLookup library, String name, MemoryLayout result, MemoryLayout... parameters) {
        return Linker.nativeLinker()
                .downcallHandle(library.findOrThrow(name), FunctionDescriptor.of(result, parameters));
    }

    /** A call that cannot throw. */
    private interface Call<T> {
        T invoke(Arena arena) throws Throwable;
    }

    private static <T> T call(Call<T> call) {
        try (Arena arena = Arena.ofConfined()) {
            return call.invoke(arena);
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }

    /** What the last fault was: of a kernel, a module, or one that was asked for; empty since {@link #faults} was called. */
    public String message() {
        return call(arena -> {
            MemorySegment text = arena.allocate(LONGEST_MESSAGE);
            int unused = (int) message.invokeExact(text, (long) LONGEST_MESSAGE);
            return text.getString(0);
        });
    }

    /**
     * Asks for faults, instead of those before, and counts calls from zero; brings lost devices back.
     *
     * @param text as in native/cuda-simulator/fault_requests.h, e.g. {@code cuMemAlloc@3=2}; empty for none
     */
    public void faults(String text) {
        if (call(arena -> (int) faults.invokeExact(arena.allocateFrom(text))) == 0) {
            throw new IllegalArgumentException("the simulator does not understand the faults " + text);
        }
    }

    /** How often a function was called, or {@code call}, {@code kernel} or {@code copy} came, since {@link #faults} was called. */
    public long calls(String name) {
        return call(arena -> (long) calls.invokeExact(arena.allocateFrom(name)));
    }

    /** What is alive, in all contexts. */
    public Map<Kind, Long> live() {
        return counts(live);
    }

    /** What was alive when its context ended, since this was asked last. */
    public Map<Kind, Long> leaks() {
        return counts(leaks);
    }

    /** Whether devices can access each other's memory; at first they can. */
    public void peers(boolean possible) {
        call(arena -> (int) peers.invokeExact(possible ? 1 : 0));
    }

    private static Map<Kind, Long> counts(MethodHandle function) {
        Kind[] kinds = Kind.values();
        Map<Kind, Long> counts = new EnumMap<>(Kind.class);
        call(arena -> {
            MemorySegment numbers = arena.allocate(JAVA_LONG, kinds.length);
            int found = (int) function.invokeExact(numbers, kinds.length);
            for (Kind kind : kinds) {
                counts.put(kind, numbers.getAtIndex(JAVA_LONG, kind.ordinal()));
            }
            return found;
        });
        return counts;
    }

    private static final class Holder {
        static final CudaSimulator SIMULATOR =
                new CudaSimulator(SymbolLookup.libraryLookup(CudaLibrary.simulator(), Arena.global()));
    }
}
