package dev.nibble.tokenizer;

import java.util.Arrays;
import java.util.HexFormat;

/**
 * A character class of a pattern: kinds of characters and ranges of code points.
 *
 * @param kinds bits of {@link Utf8}
 * @param ranges pairs of first and last code point, ascending
 */
record CodePointSet(int kinds, int... ranges) {
    /** The class that a regular expression writes with these kinds and ranges, such as {@code "az09"} for {@code [a-z0-9]}. */
    static CodePointSet of(int kinds, String ranges) {
        return new CodePointSet(kinds, ranges.codePoints().toArray());
    }

    /** The class of these ranges, written in hexadecimal as {@code 41-5A 61-7A}. */
    static CodePointSet ofHex(String ranges) {
        return new CodePointSet(
                0,
                Arrays.stream(ranges.trim().split("[-\\s]+"))
                        .mapToInt(HexFormat::fromHexDigits)
                        .toArray());
    }

    boolean contains(byte[] text, int at, int end) {
        if (at >= end) {
            return false;
        }
        return (Utf8.kind(text, at, end) & kinds) != 0 || inRange(Utf8.codePoint(text, at));
    }

    private boolean inRange(int codePoint) {
        int low = 0;
        int high = ranges.length / 2;
        while (low < high) {
            int middle = (low + high) >>> 1;
            if (codePoint > ranges[2 * middle + 1]) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        return 2 * low < ranges.length && ranges[2 * low] <= codePoint;
    }
}
