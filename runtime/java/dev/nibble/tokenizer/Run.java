package dev.nibble.tokenizer;

/**
 * A run of characters of one class: {@code [set]{least,most}}, or {@code \s?[set]{least,most}}.
 *
 * @param afterSpace whether one character of white space before the run belongs to it
 */
record Run(int least, int most, CodePointSet set, boolean afterSpace) implements Rule {
    @Override
    public int match(byte[] text, int from, int to) {
        boolean space = afterSpace && Utf8.kind(text, from, to) == Utf8.SPACE;
        int end = space ? run(text, Utf8.next(text, from), to) : -1;
        if (end < 0) {
            end = run(text, from, to);
        }
        return end < 0 ? Rule.miss(text, from) : end;
    }

    /** (256): whether a match may begin with a character of this lead byte. */
    boolean[] leads() {
        return afterSpace ? set.with(Utf8.SPACE).leads() : set.leads();
    }

    private int run(byte[] text, int from, int to) {
        int end = from;
        int count = 0;
        while (count < most && set.contains(text, end, to)) {
            end = Utf8.next(text, end);
            count++;
        }
        return count >= least ? end : -1;
    }
}
