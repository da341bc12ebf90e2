package dev.nibble.tokenizer;

/**
 * Cuts each run of digits into groups of three from its right, as numbers are written.
 *
 * @param digit what counts as a digit
 * @param alone whether the run is also cut from the text around it: {@code \d{1,3}(?=(?:\d{3})*(?!\d))}, or else
 *     {@code (?=(\d{3})+(?!\d))}
 */
record DigitGroups(CodePointSet digit, boolean alone) implements Splitter {
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
            gap = cut(text, gap, at, count, pieces);
            if (alone) {
                pieces.piece(text, gap, end);
                gap = end;
            }
            at = end;
        }
        if (gap < to) {
            pieces.piece(text, gap, to);
        }
    }

    /** Cuts before each group of a run; returns where the last piece begins. */
    private int cut(byte[] text, int gap, int from, int count, Pieces pieces) {
        int start = gap;
        int at = from;
        for (int left = count; left > 0; left--) {
            boolean group = left % GROUP == 0 || alone && left == count;
            if (group && at > start) {
                pieces.piece(text, start, at);
                start = at;
            }
            at = Utf8.next(text, at);
        }
        return start;
    }
}
