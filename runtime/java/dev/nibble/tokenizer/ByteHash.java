package dev.nibble.tokenizer;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.concurrent.ThreadLocalRandom;

/** Hashes of short byte strings. Seeded anew in each process, so that no file can be made whose tokens all collide. */
final class ByteHash {
    private static final VarHandle LONGS = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);
    private static final long SEED = ThreadLocalRandom.current().nextLong();
    private static final long FACTOR = 0x9E3779B97F4A7C15L;

    private ByteHash() {}

    static int of(byte[] text, int from, int to) {
        long hash = SEED ^ (to - from) * FACTOR;
        int at = from;
        for (; at + Long.BYTES <= to; at += Long.BYTES) {
            hash = mix(hash ^ (long) LONGS.get(text, at));
        }
        if (at < to) {
            hash = mix(hash ^ tail(text, at, to));
        }
        return (int) (hash ^ hash >>> 32);
    }

    static int of(long key) {
        long hash = mix(key ^ SEED);
        return (int) (hash ^ hash >>> 32);
    }

    /** The last one to seven bytes as a number. */
    private static long tail(byte[] text, int at, int to) {
        if (at + Long.BYTES <= text.length) {
            return (long) LONGS.get(text, at) & ~0L >>> (Long.BYTES - (to - at)) * Byte.SIZE;
        }
        long value = 0;
        for (int i = to - 1; i >= at; i--) {
            value = value << Byte.SIZE | text[i] & 0xFF;
        }
        return value;
    }

    private static long mix(long value) {
        long high = Math.unsignedMultiplyHigh(value, FACTOR);
        return high ^ value * FACTOR;
    }
}
