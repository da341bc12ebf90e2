package dev.nibble.tokenizer;

import java.util.Arrays;

/** The merges of byte-pair encoding: for two neighbouring tokens, the rank of their merge and the token that it makes. */
final class MergeTable {
    /** No merge. */
    static final long NONE = -1;

    /** Open addressing: left token in the high half, right token in the low half; -1 where free. */
    private final long[] keys;
    /** The rank in the high half, the merged token in the low half. */
    private final long[] values;

    /** An empty table with room for so many merges. */
    MergeTable(int merges) {
        int capacity = Integer.highestOneBit(Math.max(1, merges)) << 2;
        keys = new long[capacity];
        values = new long[capacity];
        Arrays.fill(keys, NONE);
    }

    /** Adds a merge; the first of two for the same pair holds. */
    void add(int left, int right, int rank, int merged) {
        long key = key(left, right);
        int slot = slot(key);
        if (keys[slot] == NONE) {
            keys[slot] = key;
            values[slot] = (long) rank << Integer.SIZE | merged;
        }
    }

    /** Rank and merged token, as {@link MergeQueue.Pairs} wants them, or {@link #NONE}. */
    long find(int left, int right) {
        if ((left | right) < 0) {
            return NONE;
        }
        long key = key(left, right);
        int slot = slot(key);
        return keys[slot] == key ? values[slot] : NONE;
    }

    private int slot(long key) {
        int mask = keys.length - 1;
        int slot = ByteHash.of(key) & mask;
        while (keys[slot] != NONE && keys[slot] != key) {
            slot = slot + 1 & mask;
        }
        return slot;
    }

    private static long key(int left, int right) {
        return (long) left << Integer.SIZE | right;
    }
}
