package dev.nibble.tokenizer;

/** Splits where a regular expression {@code a|b|c} would: each match is a piece, and so is the text between two matches. */
final class Alternation implements Splitter {
    private final Rule[] rules;

    Alternation(Rule... rules) {
        this.rules = rules.clone();
    }

    @Override
    public void split(byte[] text, int from, int to, Pieces pieces) {
        int gap = from;
        int at = from;
        while (at < to) {
            int end = match(text, at, to);
            if (end < 0) {
                at = ~end;
                continue;
            }
            if (gap < at) {
                pieces.piece(text, gap, at);
            }
            pieces.piece(text, at, end);
            gap = end;
            at = end;
        }
        if (gap < to) {
            pieces.piece(text, gap, to);
        }
    }

    private int match(byte[] text, int from, int to) {
        int next = to;
        for (Rule rule : rules) {
            int end = rule.match(text, from, to);
            if (end >= 0) {
                return end;
            }
            next = Math.min(next, ~end);
        }
        return ~next;
    }
}
