package dev.nibble.foreign;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.util.EnumMap;
import java.util.Map;
import java.util.Optional;

/**
 * Finds the functions of a CUDA driver. A driver has several versions of some; it is asked for the one whose signature is bound, by
 * {@code cuGetProcAddress}. A driver without that function is searched for the names with their suffixes.
 */
final class CudaEntryPoints {
    private static final String ASK_11 = "cuGetProcAddress";
    private static final String ASK_12 = "cuGetProcAddress_v2";
    /** The functions whose stream 0 waits for all other streams: not those with a default stream per thread. */
    private static final long LEGACY_STREAM = 1;

    private final SymbolLookup lookup;
    private final Optional<MemorySegment> ask11;
    private final Optional<MemorySegment> ask12;

    CudaEntryPoints(SymbolLookup lookup) {
        this.lookup = lookup;
        this.ask11 = lookup.find(ASK_11);
        this.ask12 = lookup.find(ASK_12);
    }

    /** Fills in all functions that there are. */
    Map<CudaFunction, MemorySegment> find() {
        Map<CudaFunction, MemorySegment> found = new EnumMap<>(CudaFunction.class);
        for (CudaFunction function : CudaFunction.values()) {
            asked(function).or(() -> lookup.find(function.symbol())).ifPresent(address -> found.put(function, address));
        }
        return found;
    }

    private Optional<MemorySegment> asked(CudaFunction function) {
        if (ask11.isEmpty() && ask12.isEmpty()) {
            return Optional.empty();
        }
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment name = arena.allocateFrom(function.baseName());
            MemorySegment found = arena.allocate(ADDRESS);
            int status = ask(function, name, found, arena.allocate(JAVA_INT));
            MemorySegment address = found.get(ADDRESS, 0);
            return status == CudaStatus.SUCCESS && address.address() != 0 ? Optional.of(address) : Optional.empty();
        }
    }

    private int ask(CudaFunction function, MemorySegment name, MemorySegment found, MemorySegment reason) {
        try {
            return ask12.isPresent()
                    ? (int) CudaSignatures.PROC_ADDRESS_12.invokeExact(
                            ask12.get(), name, found, function.version(), LEGACY_STREAM, reason)
                    : (int) CudaSignatures.PROC_ADDRESS_11.invokeExact(
                            ask11.orElseThrow(), name, found, function.version(), LEGACY_STREAM);
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new AssertionError(ASK_11 + " cannot throw", e);
        }
    }
}
