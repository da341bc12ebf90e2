package dev.nibble.bench;

/**
 * One thing to measure.
 *
 * @param kind reading a prompt or generating tokens
 * @param tokens how many of them
 * @param depth how many tokens the context holds before
 */
record BenchTest(Kind kind, int tokens, int depth) {
    /** What is measured. */
    enum Kind {
        /** The tokens of a prompt, many in a step: judged by the matrix products that the device can do. */
        PROMPT("pp"),
        /** One token after another: judged by the memory that the device can read. */
        GENERATION("tg");

        private final String id;

        Kind(String id) {
            this.id = id;
        }
    }

    /** Tokens in the context at each of the tokens, on average. */
    double meanContext() {
        return depth + (tokens + 1) / 2.0;
    }

    /** The name in reports: {@code pp512}, {@code tg128}, {@code tg128@d4096}. */
    String name() {
        return kind.id + tokens + (depth == 0 ? "" : "@d" + depth);
    }
}
