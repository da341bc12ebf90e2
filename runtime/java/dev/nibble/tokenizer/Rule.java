package dev.nibble.tokenizer;

/**
 * One alternative of a pre-tokenizer pattern, matched at a position of UTF-8 text. Matching a whole text takes linear time: a
 * rule that must look far ahead to fail says how far no match can begin.
 */
interface Rule {
    /**
     * @return the end of the match, or {@code ~next} if there is none, where {@code next > from} is the first position at
     *     which a match may begin
     */
    int match(byte[] text, int from, int to);

    /** No match here; one may begin at the next character. */
    static int miss(byte[] text, int from) {
        return ~Utf8.next(text, from);
    }
}
