package dev.nibble.simulator;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.nibble.foreign.CudaSimulator;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.SymbolLookup;
import java.nio.file.Path;
import java.util.Arrays;

/** Calls of any function of the simulated driver by its symbol: those that other libraries use and this project does not. */
@SuppressWarnings("restricted") // calls native functions
final class RawDriver {
    private final SymbolLookup library = SymbolLookup.libraryLookup(Path.of(CudaSimulator.file()), Arena.global());

    boolean has(String symbol) {
        return library.find(symbol).isPresent();
    }

    long addressOf(String symbol) {
        return library.findOrThrow(symbol).address();
    }

    /** Calls a function with ints, longs and native memory, and returns its status. */
    int call(String symbol, Object... arguments) {
        MemoryLayout[] layouts = Arrays.stream(arguments).map(RawDriver::layout).toArray(MemoryLayout[]::new);
        try {
            return (int) Linker.nativeLinker()
                    .downcallHandle(library.findOrThrow(symbol), FunctionDescriptor.of(JAVA_INT, layouts))
                    .invokeWithArguments(arguments);
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }

    private static MemoryLayout layout(Object argument) {
        return switch (argument) {
            case Integer unused -> JAVA_INT;
            case Long unused -> JAVA_LONG;
            default -> ADDRESS;
        };
    }
}
