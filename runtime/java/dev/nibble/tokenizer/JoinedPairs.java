package dev.nibble.tokenizer;

import java.util.Arrays;

/**
 * The pairs of neighbouring characters that occur inside some token. Where two neighbours in a text are no such pair, no
 * merge can ever cross, so that the text may be cut there without changing its tokens.
 */
final class JoinedPairs {
    /** U+2581, by which SentencePiece writes a space. */
    private static final int ESCAPED_SPACE = 0x2581;

    private static final int COMMON = 129;

    /** (129 x 129): the same for ASCII and the escaped space, which most text consists of. */
    private final boolean[] common = new boolean[COMMON * COMMON];

    /** Open addressing: left character in the high half, right in the low half, 0 where free. */
    private long[] others = new long[1 << 10];

    private int count;

    JoinedPairs(TokenBytes tokens) {
        byte[] data = tokens.data();
        for (int id = 0; id < tokens.size(); id++) {
            int end = tokens.end(id);
            if (tokens.length(id) == 0 || !Utf8.isValid(data, tokens.start(id), end)) {
                continue;
            }
            int left = Utf8.codePoint(data, tokens.start(id));
            for (int at = Utf8.next(data, tokens.start(id)); at < end; at = Utf8.next(data, at)) {
                int right = Utf8.codePoint(data, at);
                add(left, right);
                left = right;
            }
        }
    }

    boolean contains(int left, int right) {
        int a = common(left);
        int b = common(right);
        return (a | b) >= 0 ? common[a * COMMON + b] : others[slot(others, key(left, right))] != 0;
    }

    private void add(int left, int right) {
        int a = common(left);
        int b = common(right);
        if ((a | b) >= 0) {
            common[a * COMMON + b] = true;
            return;
        }
        long key = key(left, right);
        int slot = slot(others, key);
        if (others[slot] == 0) {
            others[slot] = key;
            if (++count > others.length / 2) {
                grow();
            }
        }
    }

    private void grow() {
        long[] larger = new long[others.length * 2];
        Arrays.stream(others).filter(key -> key != 0).forEach(key -> larger[slot(larger, key)] = key);
        others = larger;
    }

    private static int slot(long[] table, long key) {
        int mask = table.length - 1;
        int slot = ByteHash.of(key) & mask;
        while (table[slot] != 0 && table[slot] != key) {
            slot = slot + 1 & mask;
        }
        return slot;
    }

    /** Never 0: two NUL characters are a common pair. */
    private static long key(int left, int right) {
        return (long) left << Integer.SIZE | right;
    }

    private static int common(int codePoint) {
        if (codePoint < COMMON - 1) {
            return codePoint;
        }
        return codePoint == ESCAPED_SPACE ? COMMON - 1 : -1;
    }
}
