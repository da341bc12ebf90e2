package dev.nibble.tokenizer;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Comparator;
import java.util.List;

/**
 * Finds the tokens that are matched in the raw text before all else. Longer ones go first, wherever they stand; equally long
 * ones in the order of their ids. Thread-safe.
 */
final class SpecialTokens {
    private final TokenBytes texts;
    /** Sorted by their bytes. */
    private final int[] ids;
    /** (256): whether some special token begins with this byte. */
    private final boolean[] first = new boolean[256];

    private final Stripping stripping;

    /** @param ids of the special tokens, none with an empty text */
    SpecialTokens(TokenBytes texts, int[] ids, Stripping stripping) {
        this.texts = texts;
        this.stripping = stripping;
        this.ids = Arrays.stream(ids)
                .boxed()
                .sorted((a, b) -> Arrays.compareUnsigned(
                        texts.data(), texts.start(a), texts.end(a), texts.data(), texts.start(b), texts.end(b)))
                .mapToInt(Integer::intValue)
                .toArray();
        for (int id : ids) {
            first[texts.data()[texts.start(id)] & 0xFF] = true;
        }
    }

    /** The tokens that swallow white space beside them: none in most models. */
    record Stripping(BitSet left, BitSet right) {
        static final Stripping NONE = new Stripping(new BitSet(), new BitSet());
    }

    /** A part of the text: raw text from {@code from} to {@code to}, or a token if {@code id >= 0}. */
    record Fragment(int from, int to, int id) {
        static Fragment raw(int from, int to) {
            return new Fragment(from, to, TokenIndex.NONE);
        }

        boolean isToken() {
            return id >= 0;
        }
    }

    /** The fragments of a text, in order, none of them empty. */
    List<Fragment> partition(byte[] text) {
        List<Fragment> fragments = new ArrayList<>();
        if (text.length > 0) {
            fragments.add(Fragment.raw(0, text.length));
        }
        for (int id : occurring(text)) {
            List<Fragment> finer = new ArrayList<>(fragments.size() + 2);
            for (Fragment fragment : fragments) {
                if (fragment.isToken()) {
                    finer.add(fragment);
                } else {
                    cut(text, fragment, id, finer);
                }
            }
            fragments = finer;
        }
        return fragments;
    }

    /** The special tokens that occur in the text, in the order in which they are to be cut out. */
    private int[] occurring(byte[] text) {
        BitSet found = new BitSet();
        for (int at = 0; at < text.length; at++) {
            if (first[text[at] & 0xFF]) {
                findAt(text, at, found);
            }
        }
        return found.stream()
                .map(position -> ids[position])
                .boxed()
                .sorted(Comparator.comparingInt((Integer id) -> -texts.length(id))
                        .thenComparing(id -> id))
                .mapToInt(Integer::intValue)
                .toArray();
    }

    /** Narrows the sorted tokens, byte by byte, to those that begin like the text at this position. */
    private void findAt(byte[] text, int at, BitSet found) {
        int low = 0;
        int high = ids.length;
        for (int depth = 0; low < high; depth++) {
            if (texts.length(ids[low]) == depth) {
                found.set(low++);
            }
            if (at + depth == text.length) {
                return;
            }
            int wanted = text[at + depth] & 0xFF;
            low = bound(low, high, depth, wanted);
            high = bound(low, high, depth, wanted + 1);
        }
    }

    /** The first of the sorted tokens whose byte at this depth is not below a value. */
    private int bound(int from, int to, int depth, int value) {
        int low = from;
        int high = to;
        while (low < high) {
            int middle = (low + high) >>> 1;
            if ((texts.data()[texts.start(ids[middle]) + depth] & 0xFF) < value) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        return low;
    }

    private void cut(byte[] text, Fragment fragment, int id, List<Fragment> out) {
        int length = texts.length(id);
        int from = fragment.from;
        int at = find(text, from, fragment.to, id);
        while (at >= 0) {
            int left = at;
            while (stripping.left.get(id) && left > from && isSpace(text[left - 1])) {
                left--;
            }
            if (left > from) {
                out.add(Fragment.raw(from, left));
            }
            out.add(new Fragment(at, at + length, id));
            from = at + length;
            while (stripping.right.get(id) && from < fragment.to && isSpace(text[from])) {
                from++;
            }
            at = find(text, from, fragment.to, id);
        }
        if (from < fragment.to) {
            out.add(Fragment.raw(from, fragment.to));
        }
    }

    private int find(byte[] text, int from, int to, int id) {
        byte[] data = texts.data();
        int start = texts.start(id);
        int length = texts.length(id);
        for (int at = from; at <= to - length; at++) {
            if (text[at] == data[start] && texts.equals(id, text, at, at + length)) {
                return at;
            }
        }
        return -1;
    }

    private static boolean isSpace(byte value) {
        return value == ' ' || value >= '\t' && value <= '\r';
    }
}
