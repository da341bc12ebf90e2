package dev.nibble.tokenizer;

/** Splits where a regular expression {@code a|b|c} would: each match is a piece, and so is the text between two matches. */
final class Alternation implements Splitter {
    private final Rule[] rules;
    /** (256): whether a match may begin with a character of this lead byte: what others begin is passed over quickly. */
    private final boolean[] leads = new boolean[256];

    Alternation(Rule... rules) {
        this.rules = rules.clone();
        for (Rule rule : rules) {
            boolean[] more = rule instanceof Run run ? run.leads() : null;
            for (int lead = 0; lead < leads.length; lead++) {
                leads[lead] |= more == null ? lead < 0x80 || lead >= 0xC0 : more[lead];
            }
        }
    }

    @Override
    public void split(byte[] text, int from, int to, Pieces pieces) {
        int gap = from;
        int at = from;
        while (at < to) {
            if (!leads[text[at] & 0xFF]) {
                at++;
                continue;
            }
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
