package dev.nibble.tokenizer;

import java.util.Arrays;

/**
 * Merges neighbouring symbols of one word, best pair first, the leftmost of equals, until no pair can merge: the loop that
 * byte-pair encoding and SentencePiece share. A binary heap keeps it at O(n log n) for a word of n symbols.
 *
 * <p>Not thread-safe; its arrays grow to the longest word and are used again.
 */
final class MergeQueue {
    private static final int NONE = -1;

    /** (symbols): where in the text each begins. */
    private int[] starts = new int[64];
    /** (symbols): the token of each, -1 if there is none. */
    private int[] ids = new int[64];

    private int[] previous = new int[64];
    private int[] next = new int[64];
    /** (symbols): rank and token of the merge with the next symbol, -1 if there is none. */
    private long[] pairs = new long[64];
    /** Binary heap of rank in the high half, left symbol in the low half. */
    private long[] heap = new long[64];

    private int symbols;
    private int heapSize;
    private int end;

    /** Tells which neighbours may merge. */
    interface Pairs {
        /**
         * @param left the left symbol
         * @param right the right symbol
         * @return the rank of the merge (0 is best) in the high half and the token it makes in the low half; -1 if they do
         *     not merge
         */
        long find(MergeQueue queue, int left, int right);
    }

    /** Begins a new word that ends at this place of the text. */
    void begin(int wordEnd) {
        symbols = 0;
        heapSize = 0;
        end = wordEnd;
    }

    /** Appends a symbol. */
    void add(int start, int id) {
        if (symbols == starts.length) {
            grow();
        }
        starts[symbols] = start;
        ids[symbols] = id;
        previous[symbols] = symbols - 1;
        next[symbols] = symbols + 1;
        symbols++;
    }

    /** Merges until nothing is left to merge. */
    void merge(Pairs rule) {
        if (symbols == 0) {
            return;
        }
        next[symbols - 1] = NONE;
        for (int i = 0; i < symbols; i++) {
            offer(rule, i);
        }
        while (heapSize > 0) {
            long top = pop();
            int left = (int) top;
            long pair = pairs[left];
            if (pair < 0 || pair >>> Integer.SIZE != top >>> Integer.SIZE) {
                continue; // the pair has changed since it was queued
            }
            int right = next[left];
            ids[left] = (int) pair;
            next[left] = next[right];
            pairs[right] = NONE;
            if (next[right] != NONE) {
                previous[next[right]] = left;
            }
            if (previous[left] != NONE) {
                offer(rule, previous[left]);
            }
            offer(rule, left);
        }
    }

    /** The symbol after this one, -1 at the end. The first symbol of a word is 0. */
    int next(int symbol) {
        return next[symbol];
    }

    int id(int symbol) {
        return ids[symbol];
    }

    int start(int symbol) {
        return starts[symbol];
    }

    int end(int symbol) {
        return next[symbol] == NONE ? end : starts[next[symbol]];
    }

    private void offer(Pairs rule, int left) {
        int right = next[left];
        long pair = right == NONE ? NONE : rule.find(this, left, right);
        pairs[left] = pair;
        if (pair >= 0) {
            push(pair & ~0xFFFFFFFFL | left);
        }
    }

    private void push(long value) {
        if (heapSize == heap.length) {
            heap = Arrays.copyOf(heap, heap.length * 2);
        }
        int child = heapSize++;
        while (child > 0) {
            int parent = (child - 1) >>> 1;
            if (heap[parent] <= value) {
                break;
            }
            heap[child] = heap[parent];
            child = parent;
        }
        heap[child] = value;
    }

    private long pop() {
        long top = heap[0];
        long last = heap[--heapSize];
        int parent = 0;
        for (int child = 1; child < heapSize; child = 2 * parent + 1) {
            if (child + 1 < heapSize && heap[child + 1] < heap[child]) {
                child++;
            }
            if (heap[child] >= last) {
                break;
            }
            heap[parent] = heap[child];
            parent = child;
        }
        heap[parent] = last;
        return top;
    }

    private void grow() {
        int capacity = Math.multiplyExact(symbols, 2);
        starts = Arrays.copyOf(starts, capacity);
        ids = Arrays.copyOf(ids, capacity);
        previous = Arrays.copyOf(previous, capacity);
        next = Arrays.copyOf(next, capacity);
        pairs = Arrays.copyOf(pairs, capacity);
    }
}
