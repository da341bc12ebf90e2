package dev.nibble.tokenizer;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Remembers the tokens of words seen lately. Bounded: each word has one place, where a newer word replaces it. Threads share
 * it without locks: an entry never changes, and one lost to a race is only computed again.
 */
final class WordCache {
    /** Longer words are rare, and not kept. */
    static final int LONGEST = 64;

    private static final int SLOTS = 1 << 15;

    private final @Nullable Entry[] slots = new Entry[SLOTS];

    /** The tokens of a word; shared, not to be changed. */
    int @Nullable [] get(byte[] text, int from, int to, int hash) {
        Entry entry = slots[hash & SLOTS - 1];
        return entry != null && entry.hash == hash && Arrays.equals(entry.word, 0, entry.word.length, text, from, to)
                ? entry.ids
                : null;
    }

    void put(byte[] text, int from, int to, int hash, int[] ids) {
        slots[hash & SLOTS - 1] = new Entry(Arrays.copyOfRange(text, from, to), hash, ids);
    }

    /** Final fields, so that a thread that sees the entry sees all of it. */
    private record Entry(byte[] word, int hash, int[] ids) {}
}
