package dev.nibble.tokenizer;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** A byte string for each token, in one array. */
final class TokenBytes {
    private final byte[] data;
    /** (tokens + 1): where each begins. */
    private final int[] offsets;

    private TokenBytes(byte[] data, int[] offsets) {
        this.data = data;
        this.offsets = offsets;
    }

    int size() {
        return offsets.length - 1;
    }

    byte[] data() {
        return data;
    }

    int start(int id) {
        return offsets[id];
    }

    int end(int id) {
        return offsets[id + 1];
    }

    int length(int id) {
        return offsets[id + 1] - offsets[id];
    }

    byte[] get(int id) {
        return Arrays.copyOfRange(data, offsets[id], offsets[id + 1]);
    }

    /** The string of a token as text; bytes that are not UTF-8 become U+FFFD. */
    String text(int id) {
        return new String(data, start(id), length(id), StandardCharsets.UTF_8);
    }

    boolean equals(int id, byte[] text, int from, int to) {
        return Arrays.equals(data, offsets[id], offsets[id + 1], text, from, to);
    }

    /** Collects byte strings in the order of their tokens. */
    static final class Builder {
        private byte[] data;
        private final int[] offsets;
        private int count;

        Builder(int tokens, int bytes) {
            offsets = new int[tokens + 1];
            data = new byte[bytes];
        }

        /** Appends one byte to the string of the token at hand. */
        void append(int value) {
            data[reserve(1)] = (byte) value;
        }

        /** Appends all that remains of a buffer. */
        void append(ByteBuffer bytes) {
            int length = bytes.remaining();
            int start = reserve(length);
            bytes.get(data, start, length);
        }

        /** Appends part of an array. */
        void append(byte[] bytes, int from, int to) {
            int start = reserve(to - from);
            System.arraycopy(bytes, from, data, start, to - from);
        }

        /** Makes room for so many bytes; returns where they begin. */
        private int reserve(int length) {
            int start = offsets[count];
            int end = Math.addExact(start, length);
            if (end > data.length) {
                data = Arrays.copyOf(data, Math.max(end, Math.addExact(start, start >> 1)));
            }
            offsets[count] = end;
            return start;
        }

        /** Ends the string of the token at hand. */
        void next() {
            count++;
            offsets[count] = offsets[count - 1];
        }

        /** The strings of all tokens, once {@link #next} was called for each. */
        TokenBytes build() {
            int[] starts = new int[offsets.length];
            System.arraycopy(offsets, 0, starts, 1, offsets.length - 1);
            return new TokenBytes(Arrays.copyOf(data, offsets[offsets.length - 1]), starts);
        }
    }
}
