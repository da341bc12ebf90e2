package dev.nibble.foreign;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.util.EnumMap;
import java.util.Map;

/** The functions of an OpenCL library, and the ways in which they are called: each has its status checked. */
final class OpenClLink {
    private final Map<OpenClFunction, MemorySegment> addresses = new EnumMap<>(OpenClFunction.class);

    OpenClLink(SymbolLookup lookup) {
        for (OpenClFunction function : OpenClFunction.values()) {
            addresses.put(function, lookup.findOrThrow(function.symbol()));
        }
    }

    /** A call of a function at its address. */
    interface Call<T> {
        T invoke(MemorySegment function) throws Throwable;
    }

    /** A call that returns a handle and writes its status. */
    interface Creation {
        long invoke(MemorySegment function, Arena arena, MemorySegment status) throws Throwable;
    }

    /** A call that writes so many ids, and how many there are. */
    interface Listing {
        int invoke(MemorySegment function, int entries, MemorySegment ids, MemorySegment count) throws Throwable;
    }

    /** A call that writes a value of at most this size, and the size that it has. */
    interface Query {
        int invoke(MemorySegment function, long size, MemorySegment value, MemorySegment needed) throws Throwable;
    }

    MemorySegment address(OpenClFunction function) {
        return addresses.get(function);
    }

    static void check(OpenClFunction function, int status) {
        if (status != OpenClStatus.SUCCESS) {
            throw new OpenClException(function.symbol(), status);
        }
    }

    <T> T invoke(OpenClFunction function, Call<T> call) {
        try {
            return call.invoke(address(function));
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new AssertionError(function.symbol() + " cannot throw", e);
        }
    }

    /** A call that returns its status. */
    void call(OpenClFunction function, Call<Integer> call) {
        check(function, invoke(function, call));
    }

    /** A call that takes an object alone. */
    void callObject(OpenClFunction function, long object) {
        call(function, address -> (int) OpenClSignatures.OBJECT.invokeExact(address, object));
    }

    long create(OpenClFunction function, Creation creation) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment status = arena.allocate(JAVA_INT);
            long object = invoke(function, address -> creation.invoke(address, arena, status));
            check(function, status.get(JAVA_INT, 0));
            return object;
        }
    }

    /** All ids; none where the status is {@code none}. */
    long[] ids(OpenClFunction function, int none, Listing listing) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment count = arena.allocate(JAVA_INT);
            int status = invoke(function, address -> listing.invoke(address, 0, MemorySegment.NULL, count));
            if (status == none || status == OpenClStatus.SUCCESS && count.get(JAVA_INT, 0) == 0) {
                return new long[0];
            }
            check(function, status);
            int entries = count.get(JAVA_INT, 0);
            MemorySegment ids = arena.allocate(JAVA_LONG, entries);
            call(function, address -> listing.invoke(address, entries, ids, count));
            return ids.toArray(JAVA_LONG);
        }
    }

    OpenClInfo info(OpenClFunction function, Query query) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment needed = arena.allocate(JAVA_LONG);
            call(function, address -> query.invoke(address, 0, MemorySegment.NULL, needed));
            MemorySegment value = arena.allocate(Math.max(1, needed.get(JAVA_LONG, 0)), Long.BYTES);
            call(function, address -> query.invoke(address, value.byteSize(), value, MemorySegment.NULL));
            return new OpenClInfo(value.asSlice(0, needed.get(JAVA_LONG, 0)).toArray(JAVA_BYTE));
        }
    }
}
