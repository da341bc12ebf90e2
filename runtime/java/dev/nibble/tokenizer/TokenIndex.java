package dev.nibble.tokenizer;

/** Finds the token that is a given byte string: a hash table over {@link TokenBytes}. */
final class TokenIndex {
    /** No token. */
    static final int NONE = -1;

    private final TokenBytes tokens;
    /** Open addressing: token + 1, or 0. */
    private final int[] slots;

    private final int longest;

    /** An index without tokens, for as many as there are strings. */
    TokenIndex(TokenBytes tokens) {
        this.tokens = tokens;
        this.slots = new int[Integer.highestOneBit(Math.max(1, tokens.size())) << 2];
        int length = 0;
        for (int id = 0; id < tokens.size(); id++) {
            length = Math.max(length, tokens.length(id));
        }
        this.longest = length;
    }

    /** The length of the longest string, in bytes. */
    int longest() {
        return longest;
    }

    /** Adds a token; returns the one that has the same string already, or {@link #NONE}. */
    int add(int id) {
        byte[] data = tokens.data();
        int start = tokens.start(id);
        int end = tokens.end(id);
        int slot = slot(data, start, end, ByteHash.of(data, start, end));
        int other = slots[slot] - 1;
        if (other == NONE) {
            slots[slot] = id + 1;
        }
        return other;
    }

    /** The token whose string is this part of the text, or {@link #NONE}. */
    int find(byte[] text, int from, int to) {
        return to - from > longest ? NONE : find(text, from, to, ByteHash.of(text, from, to));
    }

    /** As above, with the hash of that part at hand. */
    int find(byte[] text, int from, int to, int hash) {
        return slots[slot(text, from, to, hash)] - 1;
    }

    private int slot(byte[] text, int from, int to, int hash) {
        int mask = slots.length - 1;
        int slot = hash & mask;
        while (slots[slot] != 0 && !tokens.equals(slots[slot] - 1, text, from, to)) {
            slot = slot + 1 & mask;
        }
        return slot;
    }
}
