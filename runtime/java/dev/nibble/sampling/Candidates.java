package dev.nibble.sampling;

import java.util.Arrays;

/**
 * The tokens that can still be chosen, with their logits. Each is one {@code long}: the upper half orders by falling
 * logit, the lower half is the token's id, so the smaller of two keys is the better candidate, the lower id winning a
 * tie. Only as long a prefix is brought into order as somebody asks for: a vocabulary is never sorted to find forty
 * tokens. Exponentials are those of {@link StrictMath}, which are the same on every machine.
 */
final class Candidates {
    private static final int FIRST_PREFIX = 64;

    private final int vocabularySize;
    private long[] keys = new long[0];
    private double[] weights = new double[0];
    private int count;

    /** The first {@code ordered} keys are the smallest, in order. */
    private int ordered;

    /** No logit is smaller. */
    private float least;

    Candidates(int vocabularySize) {
        this.vocabularySize = vocabularySize;
    }

    /**
     * Starts anew with all tokens.
     *
     * @throws IllegalArgumentException if a logit is NaN or +∞
     */
    void load(float[] logits, int at) {
        start(vocabularySize);
        for (int token = 0; token < count; token++) {
            put(token, token, logits[at + token]);
        }
    }

    /**
     * Starts anew with the most probable tokens, in order.
     *
     * @throws IllegalArgumentException if a logit is NaN or +∞
     */
    void load(int[] tokens, float[] logits) {
        start(tokens.length);
        for (int i = 0; i < count; i++) {
            put(i, tokens[i], logits[i]);
        }
        ordered = count;
    }

    private void start(int tokens) {
        if (keys.length < tokens) {
            keys = new long[tokens];
        }
        count = tokens;
        ordered = 0;
        least = Float.POSITIVE_INFINITY;
    }

    private void put(int place, int token, float logit) {
        least = Math.min(least, logit);
        if (!(logit < Float.POSITIVE_INFINITY)) {
            throw new IllegalArgumentException("the logit of token " + token + " is " + logit
                    + ": the computation of the model overflowed or its weights are broken");
        }
        keys[place] = key(token, logit);
    }

    /** The logit of a token; only until a filter was applied. */
    float logitOf(int token) {
        return logit(token);
    }

    /** Replaces the logit of a token, +∞ becoming the largest float; only until a filter was applied. */
    void setLogit(int token, float logit) {
        keys[token] = key(token, Math.min(logit, Float.MAX_VALUE));
        least = Math.min(least, logit);
    }

    /** How many tokens are left. */
    int count() {
        return count;
    }

    /** The token at place {@code i}. */
    int token(int i) {
        return (int) keys[i];
    }

    /** The logit at place {@code i}. */
    float logit(int i) {
        int order = ~(int) (keys[i] >> 32);
        return Float.intBitsToFloat(order ^ order >> 31 & 0x7fff_ffff);
    }

    private static long key(int token, float logit) {
        // Adding zero makes −0 the same as 0. The flip makes the bits of negative floats ascend as signed integers.
        int bits = Float.floatToRawIntBits(logit + 0f);
        int order = bits ^ bits >> 31 & 0x7fff_ffff;
        return (long) ~order << 32 | token;
    }

    /**
     * Drops the tokens of logit −∞.
     *
     * @throws IllegalArgumentException if no token is left
     */
    void dropRuledOut() {
        int all = count;
        if (least == Float.NEGATIVE_INFINITY) {
            keepFrom(-Float.MAX_VALUE);
        }
        if (count == 0) {
            throw new IllegalArgumentException("all " + all + " tokens are ruled out: each logit is -Infinity");
        }
    }

    /** The most probable token. */
    int best() {
        return (int) bestKey();
    }

    /** The greatest logit. */
    float greatest() {
        int order = ~(int) (bestKey() >> 32);
        return Float.intBitsToFloat(order ^ order >> 31 & 0x7fff_ffff);
    }

    private long bestKey() {
        if (ordered > 0) {
            return keys[0];
        }
        long best = keys[0];
        for (int i = 1; i < count; i++) {
            best = Math.min(best, keys[i]);
        }
        return best;
    }

    /** Keeps the {@code k} most probable tokens, in order. */
    void keepTop(int k) {
        int kept = Math.min(k, count);
        order(kept);
        count = kept;
        ordered = kept;
    }

    /** Keeps the fewest of the most probable tokens that together have probability {@code p}, at least one. */
    void keepNucleus(double p) {
        float greatest = greatest();
        double wanted = p * total(greatest);
        double reached = 0;
        for (int i = 0; i < count; i++) {
            if (i == ordered) {
                order(Math.min(count, Math.max(FIRST_PREFIX, 8 * i)));
            }
            reached += StrictMath.exp(logit(i) - (double) greatest);
            if (reached >= wanted) {
                count = i + 1;
                ordered = Math.min(ordered, count);
            }
        }
    }

    /** Keeps the tokens of at least {@code p} times the greatest probability. */
    void keepLikely(double p) {
        keepFrom(greatest() + StrictMath.log(p));
    }

    private void keepFrom(double leastLogit) {
        int kept = 0;
        for (int i = 0; i < count; i++) {
            if (logit(i) >= leastLogit) {
                keys[kept++] = keys[i];
            }
        }
        // What was dropped is worse than what stays, so the order of the prefix did not suffer.
        ordered = Math.min(ordered, kept);
        count = kept;
    }

    /**
     * Keeps the tokens whose surprise −ln p is nearest to the entropy, until their probabilities exceed {@code p}. In
     * the order of probability these are a run of neighbours: it grows from the entropy to whichever side is nearer.
     * Source: Meister et al., Locally Typical Sampling (TACL 2023).
     */
    void keepTypical(double p) {
        order(count);
        double logTotal = greatest() + StrictMath.log(total(greatest()));
        double entropy = 0;
        for (int i = 0; i < count; i++) {
            double surprise = logTotal - logit(i);
            entropy += surprise * StrictMath.exp(-surprise);
        }
        int from = 0;
        while (from < count && logTotal - logit(from) < entropy) {
            from++;
        }
        int to = from;
        double reached = 0;
        while (reached <= p && to - from < count) {
            boolean down =
                    to == count || from > 0 && entropy - (logTotal - logit(from - 1)) <= logTotal - logit(to) - entropy;
            int taken = down ? --from : to++;
            reached += StrictMath.exp(logit(taken) - logTotal);
        }
        count = to - from;
        System.arraycopy(keys, from, keys, 0, count);
        ordered = count;
    }

    /**
     * Draws a token with the probabilities of the softmax of logit / {@code temperature}.
     *
     * @param uniform a number of [0, 1) that decides
     */
    int draw(double temperature, double uniform) {
        if (weights.length < count) {
            weights = new double[count];
        }
        float greatest = greatest();
        double total = 0;
        for (int i = 0; i < count; i++) {
            weights[i] = StrictMath.exp((logit(i) - (double) greatest) / temperature);
            total += weights[i];
        }
        double rest = uniform * total;
        int last = 0;
        for (int i = 0; i < count; i++) {
            if (weights[i] > 0) {
                last = i;
                rest -= weights[i];
                if (rest < 0) {
                    break;
                }
            }
        }
        return token(last);
    }

    /** ln Σ exp(logit): what turns logits into log-probabilities. */
    double logTotal() {
        float greatest = greatest();
        return greatest + StrictMath.log(total(greatest));
    }

    private double total(float greatest) {
        double total = 0;
        for (int i = 0; i < count; i++) {
            total += StrictMath.exp(logit(i) - (double) greatest);
        }
        return total;
    }

    /** Brings the {@code wanted} smallest keys into order at the front. */
    private void order(int wanted) {
        if (wanted <= ordered) {
            return;
        }
        int end = wanted;
        if (wanted - ordered < (count - ordered) / 8) {
            selectSmallest(ordered, end);
        } else {
            end = count;
        }
        Arrays.sort(keys, ordered, end);
        ordered = end;
    }

    /**
     * Moves the smallest keys of [{@code from}, count) to [{@code from}, {@code to}), which serves as a heap
     * meanwhile.
     */
    private void selectSmallest(int from, int to) {
        int size = to - from;
        for (int i = size / 2 - 1; i >= 0; i--) {
            siftDown(from, size, i);
        }
        for (int i = to; i < count; i++) {
            if (keys[i] < keys[from]) {
                long largest = keys[from];
                keys[from] = keys[i];
                keys[i] = largest;
                siftDown(from, size, 0);
            }
        }
    }

    private void siftDown(int from, int size, int start) {
        long key = keys[from + start];
        int parent = start;
        int child = 2 * parent + 1;
        while (child < size) {
            if (child + 1 < size && keys[from + child + 1] > keys[from + child]) {
                child++;
            }
            if (keys[from + child] <= key) {
                break;
            }
            keys[from + parent] = keys[from + child];
            parent = child;
            child = 2 * parent + 1;
        }
        keys[from + parent] = key;
    }
}
