package dev.nibble.device.cpu;

import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;
import org.jspecify.annotations.Nullable;

/**
 * Weighted sums of values under a softmax whose scores come tile by tile (Milakov and Gimelshein, 2018): for each query the
 * largest score so far, the sum of the exponentials, and the sum of the values so weighted.
 *
 * <p>Scores count in powers of two: a score s is kept as s · log2 e, and its exponential is 2 to that power.
 */
final class RunningSoftmax {
    /** The largest score before any token: below every score, yet finite, so that no difference is NaN. */
    private static final float NOTHING = -1e30f;

    private static final double LN2 = Math.log(2);

    /** Lanes in which exponentials are added up: those of the widest vectors. */
    private static final int LANES = 16;

    private final @Nullable NativeKernels kernels;
    private final int stride;
    private final int exponent;

    /** The largest score: (queries). */
    private final float[] largest;

    /** The sums of exponentials of each lane, times 2 to the exponent: (queries, LANES). */
    private final float[] sums;

    /** The weighted sums of values, times 2 to the exponent: (queries, stride). */
    private final float[] values;

    private final HeapFloats largestFloats;
    private final HeapFloats sumFloats;
    private final HeapFloats valueFloats;

    /**
     * @param stride values of a query, a multiple of 16
     * @param exponent log2 of a factor on all weights
     */
    RunningSoftmax(@Nullable NativeKernels kernels, int queries, int stride, int exponent) {
        this.kernels = kernels;
        this.stride = stride;
        this.exponent = exponent;
        this.largest = new float[queries];
        this.sums = new float[queries * LANES];
        this.values = new float[queries * stride];
        this.largestFloats = HeapFloats.of(largest);
        this.sumFloats = HeapFloats.of(sums);
        this.valueFloats = HeapFloats.of(values);
    }

    /** The weighted sums, to which the caller adds a tile's values after {@link #scores}. */
    float[] values() {
        return values;
    }

    /** {@link #values}, for native kernels too. */
    HeapFloats floats() {
        return valueFloats;
    }

    /** The largest score of each query, for native kernels. */
    HeapFloats largest() {
        return largestFloats;
    }

    /** The sums of exponentials, for native kernels. */
    HeapFloats sums() {
        return sumFloats;
    }

    /** Forgets all tokens of the first {@code queries} queries. */
    void clear(int queries) {
        Arrays.fill(largest, 0, queries, NOTHING);
        Arrays.fill(sums, 0, queries * LANES, 0);
        Arrays.fill(values, 0, queries * stride, 0);
    }

    /** Marks the columns outside {@code from ≤ column < to} of {@code width} scores as of tokens that are not seen. */
    static void mask(float[] scores, int at, int width, int from, int to) {
        Arrays.fill(scores, at, at + Math.clamp(from, 0, width), NOTHING);
        Arrays.fill(scores, at + Math.clamp(to, 0, width), at + width, NOTHING);
    }

    /** Caps scores: c · tanh(score · factor / c). */
    static void cap(float[] scores, int at, int width, float factor, float cap) {
        for (int column = 0; column < width; column += Lanes.COUNT) {
            FloatVector score = load(scores, at + column);
            VectorMath.tanh(score.mul(factor / cap)).mul(cap).intoArray(scores, at + column);
        }
    }

    /**
     * Takes a tile of scores of the first {@code queries} queries in: turns them into weights, in place, and rescales what was summed
     * before if the largest score has grown, which becomes rare as tokens pass.
     *
     * @param scores (queries, {@link AttentionWorkspace#TILE})
     * @param width scores of a query, a multiple of 16
     * @param factor of the scores
     */
    void scores(int queries, HeapFloats scores, int width, float factor) {
        float power = factor * VectorMath.LOG2_E;
        if (kernels != null) {
            kernels.softmax(queries, scores, width, largestFloats, sumFloats, valueFloats, stride, exponent, power);
            return;
        }
        for (int query = 0; query < queries; query++) {
            scores(query, scores.array(), query * AttentionWorkspace.TILE, width, power);
        }
    }

    private void scores(int query, float[] scores, int at, int width, float power) {
        FloatVector most = load(scores, at);
        for (int column = Lanes.COUNT; column < width; column += Lanes.COUNT) {
            most = VectorMath.larger(most, load(scores, at + column));
        }
        if (most.mul(power).compare(VectorOperators.GT, largest[query]).anyTrue()) {
            raise(query, most.reduceLanes(VectorOperators.MAX) * power);
        }
        if (largest[query] == NOTHING) {
            Arrays.fill(scores, at, at + width, 0);
            return;
        }
        FloatVector stretch = splat(power);
        FloatVector shift = splat(-largest[query]);
        FloatVector sum = load(sums, query * LANES);
        for (int column = 0; column < width; column += Lanes.COUNT) {
            FloatVector weight = VectorMath.exp2Below(load(scores, at + column).fma(stretch, shift), exponent);
            sum = sum.add(weight);
            weight.intoArray(scores, at + column);
        }
        sum.intoArray(sums, query * LANES);
    }

    /** Sets a new largest score, which makes all before smaller. */
    private void raise(int query, float now) {
        float fade = exp2(largest[query] - now);
        largest[query] = now;
        scale(sums, query * LANES, LANES, fade);
        scale(values, query * stride, stride, fade);
    }

    /** Adds the same query of the softmax over other, later tokens. */
    void merge(int query, RunningSoftmax other) {
        float now = Math.max(largest[query], other.largest[query]);
        float own = exp2(largest[query] - now);
        float others = exp2(other.largest[query] - now);
        largest[query] = now;
        mix(sums, other.sums, query * LANES, LANES, own, others);
        mix(values, other.values, query * stride, stride, own, others);
    }

    /** Lets a logit without a value take part. */
    void sink(int query, float logit) {
        float power = logit * VectorMath.LOG2_E;
        if (power > largest[query]) {
            raise(query, power);
        }
        sums[query * LANES] += Math.scalb(exp2(power - largest[query]), exponent);
    }

    /** Divides by the sum of exponentials: leaves the attention of a query, times {@code factor}, in {@link #values}. */
    void finish(int query, float factor) {
        scale(values, query * stride, stride, Math.scalb(factor, exponent) / total(query));
    }

    /** The largest score of a query. */
    float largest(int query) {
        return largest[query];
    }

    /** The sum of a query's exponentials, times 2 to the exponent. */
    float total(int query) {
        float sum = 0;
        for (int i = query * LANES; i < (query + 1) * LANES; i++) {
            sum += sums[i];
        }
        return sum;
    }

    /** 2 to a power. */
    static float exp2(float x) {
        return (float) Math.exp(x * LN2);
    }

    private static void scale(float[] x, int at, int count, float factor) {
        for (int i = at; i < at + count; i++) {
            x[i] *= factor;
        }
    }

    /** x = x · own + y · others. */
    private static void mix(float[] x, float[] y, int at, int count, float own, float others) {
        for (int i = at; i < at + count; i++) {
            x[i] = x[i] * own + y[i] * others;
        }
    }

    private static FloatVector load(float[] x, int at) {
        return FloatVector.fromArray(Lanes.FLOATS, x, at);
    }

    private static FloatVector splat(float value) {
        return FloatVector.broadcast(Lanes.FLOATS, value);
    }
}
