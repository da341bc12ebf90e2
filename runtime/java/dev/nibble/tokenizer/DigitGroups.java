package dev.nibble.tokenizer;

import java.util.function.IntPredicate;

/**
 * Cuts each run of digits into groups of three from its right, as numbers are written: {@code \d{1,3}(?=(?:\d{3})*<end>)}.
 *
 * @param digit what counts as a digit
 * @param joins the code points after a run that keep it from being cut
 */
record DigitGroups(CodePointSet digit, IntPredicate joins) implements Splitter {
    private static final int GROUP = 3;

    @Override
    public void split(byte[] text, int from, int to, Pieces pieces) {
        int gap = from;
        int at = from;
        while (at < to) {
            if (!digit.contains(text, at, to)) {
                at = Utf8.next(text, at);
                continue;
            }
            int end = at;
            int count = 0;
            while (digit.contains(text, end, to)) {
                end = Utf8.next(text, end);
                count++;
            }
            if (end == to || !joins.test(Utf8.codePoint(text, end))) {
                if (gap < at) {
                    pieces.piece(text, gap, at);
                }
                cut(text, at, count, pieces);
                gap = end;
            }
            at = end;
        }
        if (gap < to) {
            pieces.piece(text, gap, to);
        }
    }

    private static void cut(byte[] text, int from, int count, Pieces pieces) {
        int start = from;
        int left = count;
        while (left > 0) {
            int group = left % GROUP == 0 ? GROUP : left % GROUP;
            int end = start;
            for (int i = 0; i < group; i++) {
                end = Utf8.next(text, end);
            }
            pieces.piece(text, start, end);
            start = end;
            left -= group;
        }
    }
}
