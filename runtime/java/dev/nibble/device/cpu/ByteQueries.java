package dev.nibble.device.cpu;

import dev.nibble.device.KvType;
import java.lang.foreign.MemorySegment;

/**
 * Queries quantized to int8 in blocks of 32, for native kernels: see {@code nibble_attention_query}.
 *
 * @param queries how many there is room for
 * @param size values of a query, a multiple of 32
 * @param integers (queries, size)
 * @param scales (size / 32, queries)
 * @param starts (size / 32, queries)
 */
record ByteQueries(int queries, int size, MemorySegment integers, MemorySegment scales, MemorySegment starts) {
    static ByteQueries of(int queries, int size) {
        int blocks = queries * Math.ceilDiv(size, KvType.BLOCK);
        return new ByteQueries(
                queries,
                size,
                MemorySegment.ofArray(new byte[blocks * KvType.BLOCK]),
                MemorySegment.ofArray(new float[blocks]),
                MemorySegment.ofArray(new int[blocks]));
    }

    MemorySegment integersOf(int query) {
        return integers.asSlice((long) query * size);
    }

    MemorySegment scalesFrom(int query) {
        return scales.asSlice((long) query * Float.BYTES);
    }

    MemorySegment startsFrom(int query) {
        return starts.asSlice((long) query * Integer.BYTES);
    }
}
