package dev.nibble.tokenizer;

import java.util.Arrays;

/** The merges of byte-pair encoding: for two neighbouring tokens, the rank of their merge and the token that it makes. */
final class MergeTable {
    /** No merge. */
    static final long NONE = -1;

    /**
     * Open addressing, two values a slot. First the left token in the high half and the right token in the low half, -1 where
     * free; then the rank in the high half and the merged token in the low half.
     */
    private final long[] slots;

    /** An empty table with room for so many merges. */
    MergeTable(int merges) {
        int capacity = Integer.highestOneBit(Math.max(1, Math.addExact(merges, merges >> 1))) << 1;
        slots = new long[Math.multiplyExact(capacity, 2)];
        Arrays.fill(slots, NONE);
    }

    /** Adds a merge; the first of two for the same pair holds. */
    void add(int left, int right, int rank, int merged) {
        long key = key(left, right);
        int slot = slot(key);
        if (slots[slot] == NONE) {
            slots[slot] = key;
            slots[slot + 1] = (long) rank << Integer.SIZE | merged;
        }
    }

    /** Rank and merged token, as {@link MergeQueue.Pairs} wants them, or {@link #NONE}. */
    long find(int left, int right) {
        // a free slot holds NONE for its value as well
        return (left | right) < 0 ? NONE : slots[slot(key(left, right)) + 1];
    }

    private int slot(long key) {
        int mask = slots.length - 2;
        int slot = 2 * ByteHash.of(key) & mask;
        while (slots[slot] != NONE && slots[slot] != key) {
            slot = slot + 2 & mask;
        }
        return slot;
    }

    private static long key(int left, int right) {
        return (long) left << Integer.SIZE | right;
    }
}
