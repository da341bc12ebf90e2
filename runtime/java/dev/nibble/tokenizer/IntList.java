package dev.nibble.tokenizer;

import java.util.Arrays;

/** A growing array of ints. */
final class IntList {
    private int[] values;
    private int size;

    IntList(int capacity) {
        values = new int[capacity];
    }

    int size() {
        return size;
    }

    int get(int index) {
        return values[index];
    }

    void add(int value) {
        if (size == values.length) {
            values = Arrays.copyOf(values, Math.max(16, Math.addExact(size, size >> 1)));
        }
        values[size++] = value;
    }

    void addAll(int[] more) {
        if (more.length > values.length - size) {
            values = Arrays.copyOf(values, Math.max(Math.addExact(size, more.length), size + (size >> 1)));
        }
        System.arraycopy(more, 0, values, size, more.length);
        size += more.length;
    }

    /** Forgets all values from an index on. */
    void truncate(int newSize) {
        size = newSize;
    }

    int[] toArray() {
        return Arrays.copyOf(values, size);
    }

    /** The values from an index on. */
    int[] toArray(int from) {
        return Arrays.copyOfRange(values, from, size);
    }
}
