package dev.nibble.tokenizer;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HexFormat;

/** A character class of a pattern: kinds of characters and ranges of code points. */
final class CodePointSet {
    private static final int ASCII = 128;

    private final int kinds;
    /** Pairs of first and last code point, ascending. */
    private final int[] ranges;
    /** (128): whether each ASCII character is in the class. */
    private final boolean[] ascii = new boolean[ASCII];

    /**
     * @param kinds bits of {@link Utf8}
     * @param ranges pairs of first and last code point, ascending
     */
    CodePointSet(int kinds, int... ranges) {
        this.kinds = kinds;
        this.ranges = ranges.clone();
        for (int c = 0; c < ASCII; c++) {
            ascii[c] = (Utf8.kind(c) & kinds) != 0 || inRange(c);
        }
    }

    /** The class that a regular expression writes with these kinds and ranges, such as {@code "09az"} for {@code [0-9a-z]}. */
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

    /** Whether there is a character of the class at a position. */
    boolean contains(byte[] text, int at, int end) {
        if (at >= end) {
            return false;
        }
        int lead = text[at];
        if (lead >= 0) {
            return ascii[lead];
        }
        int codePoint = Utf8.codePoint(text, at);
        return (Utf8.kind(codePoint) & kinds) != 0 || inRange(codePoint);
    }

    /** This class and these kinds. */
    CodePointSet with(int moreKinds) {
        return new CodePointSet(kinds | moreKinds, ranges);
    }

    /** (256): whether a character of the class may begin with this byte in UTF-8; more than that do where there are kinds. */
    boolean[] leads() {
        boolean[] leads = Arrays.copyOf(ascii, 256);
        if (kinds != 0) {
            Arrays.fill(leads, 0xC2, 0xF5, true);
        }
        for (int i = 0; i < ranges.length; i += 2) {
            if (ranges[i + 1] >= ASCII) {
                Arrays.fill(leads, lead(Math.max(ASCII, ranges[i])), lead(ranges[i + 1]) + 1, true);
            }
        }
        return leads;
    }

    private static int lead(int codePoint) {
        return Character.toString(codePoint).getBytes(StandardCharsets.UTF_8)[0] & 0xFF;
    }

    /** The ranges alone, for tests. */
    int[] ranges() {
        return ranges.clone();
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
