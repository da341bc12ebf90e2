package dev.nibble.device.cpu;

import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;

/**
 * Weighted sums of values under a softmax whose scores come tile by tile (Milakov and Gimelshein, 2018): for each query the
 * largest score so far, the sum of the exponentials, and the sum of the values so weighted.
 */
final class RunningSoftmax {
    /** The largest score before any token: below every score, yet finite, so that no difference is NaN. */
    private static final float NOTHING = -1e30f;

    private static final IntVector COLUMNS = IntVector.zero(Lanes.INTS).addIndex(1);

    private final int stride;

    /** The largest score: (queries). */
    private final float[] largest;

    /** The sum of exponentials: (queries). */
    private final float[] sum;

    /** The weighted sum of values: (queries, stride). */
    private final float[] values;

    /** @param stride values of a query, a multiple of 16 */
    RunningSoftmax(int queries, int stride) {
        this.stride = stride;
        this.largest = new float[queries];
        this.sum = new float[queries];
        this.values = new float[queries * stride];
    }

    /** The weighted sums, to which the caller adds a tile's values after {@link #scores}. */
    float[] values() {
        return values;
    }

    /** Forgets all tokens of the first {@code queries} queries. */
    void clear(int queries) {
        Arrays.fill(largest, 0, queries, NOTHING);
        Arrays.fill(sum, 0, queries, 0);
        Arrays.fill(values, 0, queries * stride, 0);
    }

    /** Marks the columns outside {@code from ≤ column < to} of {@code width} scores as of tokens that are not seen. */
    static void mask(float[] scores, int at, int width, int from, int to) {
        if (from <= 0 && to >= width) {
            return;
        }
        for (int column = 0; column < width; column += Lanes.COUNT) {
            IntVector index = COLUMNS.add(column);
            VectorMask<Integer> seen =
                    index.compare(VectorOperators.GE, from).and(index.compare(VectorOperators.LT, to));
            FloatVector.broadcast(Lanes.FLOATS, NOTHING)
                    .blend(FloatVector.fromArray(Lanes.FLOATS, scores, at + column), seen.cast(Lanes.FLOATS))
                    .intoArray(scores, at + column);
        }
    }

    /**
     * Takes a tile of scores in: turns them into weights, in place, and rescales what was summed before.
     *
     * @param width scores, a multiple of 16
     * @param scoreFactor of the scores
     * @param weightFactor of the weights written, to be taken out of the values at the end
     */
    void scores(int query, float[] scores, int at, int width, float scoreFactor, float weightFactor) {
        FloatVector most = FloatVector.fromArray(Lanes.FLOATS, scores, at);
        for (int column = Lanes.COUNT; column < width; column += Lanes.COUNT) {
            most = VectorMath.larger(most, FloatVector.fromArray(Lanes.FLOATS, scores, at + column));
        }
        float tileMost = most.reduceLanes(VectorOperators.MAX);
        if (tileMost == NOTHING) {
            Arrays.fill(scores, at, at + width, 0);
            return;
        }
        float before = largest[query];
        float now = Math.max(before, tileMost * scoreFactor);
        FloatVector stretch = FloatVector.broadcast(Lanes.FLOATS, scoreFactor);
        FloatVector shift = FloatVector.broadcast(Lanes.FLOATS, -now);
        FloatVector total = FloatVector.zero(Lanes.FLOATS);
        for (int column = 0; column < width; column += Lanes.COUNT) {
            FloatVector weight = VectorMath.expBelow(
                    FloatVector.fromArray(Lanes.FLOATS, scores, at + column).fma(stretch, shift));
            total = total.add(weight);
            weight.mul(weightFactor).intoArray(scores, at + column);
        }
        float fade = raise(query, now);
        sum[query] = sum[query] * fade + total.reduceLanes(VectorOperators.ADD);
    }

    /** Sets a new largest score; returns the factor by which that shrinks all before, which the values already took. */
    private float raise(int query, float now) {
        float before = largest[query];
        if (now == before) {
            return 1;
        }
        float fade = (float) Math.exp(before - now);
        largest[query] = now;
        scale(values, query * stride, fade);
        return fade;
    }

    /** Caps scores: c · tanh(score · scoreFactor / c). */
    static void cap(float[] scores, int at, int width, float scoreFactor, float cap) {
        for (int column = 0; column < width; column += Lanes.COUNT) {
            FloatVector score = FloatVector.fromArray(Lanes.FLOATS, scores, at + column);
            VectorMath.tanh(score.mul(scoreFactor / cap)).mul(cap).intoArray(scores, at + column);
        }
    }

    /** Adds one query of the softmax over other, later tokens. */
    void merge(int query, RunningSoftmax other, int otherQuery) {
        merge(query, other.largest[otherQuery], other.sum[otherQuery], other.values, otherQuery * stride);
    }

    private void merge(int query, float otherLargest, float otherSum, float[] otherValues, int otherAt) {
        float now = Math.max(largest[query], otherLargest);
        float own = (float) Math.exp(largest[query] - now);
        float others = (float) Math.exp(otherLargest - now);
        largest[query] = now;
        sum[query] = sum[query] * own + otherSum * others;
        int at = query * stride;
        for (int i = 0; i < stride; i += Lanes.COUNT) {
            FloatVector.fromArray(Lanes.FLOATS, values, at + i)
                    .mul(own)
                    .add(FloatVector.fromArray(Lanes.FLOATS, otherValues, otherAt + i)
                            .mul(others))
                    .intoArray(values, at + i);
        }
    }

    /** Lets a logit without a value take part. */
    void sink(int query, float logit) {
        float now = Math.max(largest[query], logit);
        float fade = raise(query, now);
        sum[query] = sum[query] * fade + (float) Math.exp(logit - now);
    }

    /** Divides by the sum of exponentials: leaves the attention of a query, times {@code factor}, in {@link #values}. */
    void finish(int query, float factor) {
        scale(values, query * stride, factor / sum[query]);
    }

    private void scale(float[] values, int at, float factor) {
        for (int i = 0; i < stride; i += Lanes.COUNT) {
            FloatVector.fromArray(Lanes.FLOATS, values, at + i).mul(factor).intoArray(values, at + i);
        }
    }
}
