package dev.nibble.device.cpu;

import dev.nibble.device.cpu.AttentionWorkspace.Scratch;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;

/**
 * The products of attention with one {@link KvBlock}, of four queries at a time. The integers of a block become floats in registers:
 * the products of 32 pairs of integers stay far below 2²⁴, so that their sums are exact in float32.
 *
 * <p>Integers are taken from the top of words, which are then shifted up. The number of bits is an argument of each loop, so that one
 * loop serves all types.
 */
final class QuantizedProduct {
    private static final int ROWS = AttentionProduct.ROWS;
    private static final int STRIDE = AttentionWorkspace.TILE;

    /** Tokens and values of a block. */
    private static final int SIZE = CpuKvPages.COLUMNS;

    private static final int PAIR = SIZE / 2;
    private static final int HIGH = 0xffff0000;

    private QuantizedProduct() {}

    /**
     * Quantizes 32 values of a query, as {@link dev.nibble.device.Operation.Quantize} defines it; returns the scale.
     *
     * @param integers takes the integers, as floats
     */
    static float quantize(MemorySegment q, long at, float[] integers, int to) {
        IntVector largest = IntVector.zero(Lanes.INTS);
        for (int i = 0; i < SIZE; i += Lanes.COUNT) {
            largest = largest.max(Rows.load(q, at + i * 4L).abs().reinterpretAsInts());
        }
        float amax = Float.intBitsToFloat(largest.reduceLanes(VectorOperators.MAX));
        float inverse = amax == 0 ? 0 : 127 / amax;
        for (int i = 0; i < SIZE; i += Lanes.COUNT) {
            FloatVector steps = Rows.load(q, at + i * 4L).mul(inverse).add(128.5f);
            floats(((IntVector) steps.convert(VectorOperators.F2I, 0)).sub(128)).intoArray(integers, to + i);
        }
        return amax / 127;
    }

    /**
     * scores (4, 32 tokens) = queries (4, size) × keys (size, 32 tokens).
     *
     * @param bits of an integer of the keys
     * @param size of a key, a multiple of 32
     * @param scratch has the integers of the queries, one after another, and the scales of their blocks; receives the scores
     * @param query the first query
     * @param token where the scores' columns begin
     */
    static void scores(int bits, int size, Scratch scratch, int query, MemorySegment keys, long at, int token) {
        for (int i = 0; i < PAIR; i += Lanes.COUNT) {
            scores(bits, Integer.SIZE - bits, size, scratch, query, keys, at + i * 4L, token + i);
        }
    }

    private static void scores(
            int bits, int rest, int size, Scratch scratch, int query, MemorySegment keys, long at, int token) {
        float[] q = scratch.q;
        int qAt = query * size;
        float[] scales = scratch.queryScales;
        int queries = scratch.scaleAt(0, SIZE);
        FloatVector zero = FloatVector.zero(Lanes.FLOATS);
        FloatVector t00 = zero, t01 = zero, t10 = zero, t11 = zero;
        FloatVector t20 = zero, t21 = zero, t30 = zero, t31 = zero;
        long word = at;
        int scale = query;
        for (int value = 0; value < size; scale += queries) {
            FloatVector c00 = zero, c01 = zero, c10 = zero, c11 = zero;
            FloatVector c20 = zero, c21 = zero, c30 = zero, c31 = zero;
            IntVector both = words(keys, word);
            word += KvBlock.SCALES;
            for (int end = value + SIZE; value < end; word += SIZE * 4L) {
                IntVector w0 = words(keys, word);
                IntVector w1 = words(keys, word + PAIR * 4L);
                for (int left = Integer.SIZE; left > 0; left -= bits, value++) {
                    FloatVector k0 = floats(w0.lanewise(VectorOperators.ASHR, rest));
                    FloatVector k1 = floats(w1.lanewise(VectorOperators.ASHR, rest));
                    w0 = w0.lanewise(VectorOperators.LSHL, bits);
                    w1 = w1.lanewise(VectorOperators.LSHL, bits);
                    FloatVector a0 = splat(q[qAt + value]);
                    c00 = a0.fma(k0, c00);
                    c01 = a0.fma(k1, c01);
                    FloatVector a1 = splat(q[qAt + size + value]);
                    c10 = a1.fma(k0, c10);
                    c11 = a1.fma(k1, c11);
                    FloatVector a2 = splat(q[qAt + 2 * size + value]);
                    c20 = a2.fma(k0, c20);
                    c21 = a2.fma(k1, c21);
                    FloatVector a3 = splat(q[qAt + 3 * size + value]);
                    c30 = a3.fma(k0, c30);
                    c31 = a3.fma(k1, c31);
                }
            }
            FloatVector s0 = low(both);
            FloatVector s1 = high(both);
            t00 = c00.fma(s0.mul(scales[scale]), t00);
            t01 = c01.fma(s1.mul(scales[scale]), t01);
            t10 = c10.fma(s0.mul(scales[scale + 1]), t10);
            t11 = c11.fma(s1.mul(scales[scale + 1]), t11);
            t20 = c20.fma(s0.mul(scales[scale + 2]), t20);
            t21 = c21.fma(s1.mul(scales[scale + 2]), t21);
            t30 = c30.fma(s0.mul(scales[scale + 3]), t30);
            t31 = c31.fma(s1.mul(scales[scale + 3]), t31);
        }
        float[] scores = scratch.scores;
        int to = query * STRIDE + token;
        t00.intoArray(scores, to);
        t01.intoArray(scores, to + PAIR);
        t10.intoArray(scores, to + STRIDE);
        t11.intoArray(scores, to + STRIDE + PAIR);
        t20.intoArray(scores, to + 2 * STRIDE);
        t21.intoArray(scores, to + 2 * STRIDE + PAIR);
        t30.intoArray(scores, to + 3 * STRIDE);
        t31.intoArray(scores, to + 3 * STRIDE + PAIR);
    }

    /**
     * Multiplies the weights of {@code length} tokens by the scales of their values in a block; the weights of the others become 0.
     *
     * @param weights (4, 32), rows a tile apart
     * @param target (4, 32), the same
     */
    static void scale(float[] weights, int at, MemorySegment values, long block, int length, float[] target) {
        for (int i = 0; i < PAIR; i += Lanes.COUNT) {
            IntVector both = words(values, block + i * 4L);
            for (int row = 0; row < ROWS; row++) {
                int from = at + row * STRIDE + i;
                low(both).mul(load(weights, from)).intoArray(target, row * STRIDE + i);
                high(both).mul(load(weights, from + PAIR)).intoArray(target, row * STRIDE + i + PAIR);
            }
        }
        for (int token = length; token < SIZE; token++) {
            for (int row = 0; row < ROWS; row++) {
                target[row * STRIDE + token] = 0;
            }
        }
    }

    /**
     * sums (4, 32 columns) += weights (4, tokens) × values (tokens, 32 columns).
     *
     * @param bits of an integer of the values
     * @param length tokens; those after them that share a word have the weight 0
     * @param weights times the scales of the values, rows a tile apart
     * @param stride the distance between rows of the sums
     */
    static void add(
            int bits, float[] weights, MemorySegment values, long at, int length, float[] sums, int to, int stride) {
        for (int i = 0; i < PAIR; i += Lanes.COUNT) {
            add(bits, Integer.SIZE - bits, weights, values, at + i * 4L, length, sums, to + i, stride);
        }
    }

    private static void add(
            int bits,
            int rest,
            float[] weights,
            MemorySegment values,
            long at,
            int length,
            float[] sums,
            int to,
            int stride) {
        FloatVector c00 = load(sums, to);
        FloatVector c01 = load(sums, to + PAIR);
        FloatVector c10 = load(sums, to + stride);
        FloatVector c11 = load(sums, to + stride + PAIR);
        FloatVector c20 = load(sums, to + 2 * stride);
        FloatVector c21 = load(sums, to + 2 * stride + PAIR);
        FloatVector c30 = load(sums, to + 3 * stride);
        FloatVector c31 = load(sums, to + 3 * stride + PAIR);
        long word = at + KvBlock.SCALES;
        for (int token = 0; token < length; word += PAIR * 4L) {
            IntVector w = words(values, word);
            for (int left = Integer.SIZE; left > 0; left -= 2 * bits, token++) {
                FloatVector v0 = floats(w.lanewise(VectorOperators.ASHR, rest));
                w = w.lanewise(VectorOperators.LSHL, bits);
                FloatVector v1 = floats(w.lanewise(VectorOperators.ASHR, rest));
                w = w.lanewise(VectorOperators.LSHL, bits);
                FloatVector a0 = splat(weights[token]);
                c00 = a0.fma(v0, c00);
                c01 = a0.fma(v1, c01);
                FloatVector a1 = splat(weights[STRIDE + token]);
                c10 = a1.fma(v0, c10);
                c11 = a1.fma(v1, c11);
                FloatVector a2 = splat(weights[2 * STRIDE + token]);
                c20 = a2.fma(v0, c20);
                c21 = a2.fma(v1, c21);
                FloatVector a3 = splat(weights[3 * STRIDE + token]);
                c30 = a3.fma(v0, c30);
                c31 = a3.fma(v1, c31);
            }
        }
        c00.intoArray(sums, to);
        c01.intoArray(sums, to + PAIR);
        c10.intoArray(sums, to + stride);
        c11.intoArray(sums, to + stride + PAIR);
        c20.intoArray(sums, to + 2 * stride);
        c21.intoArray(sums, to + 2 * stride + PAIR);
        c30.intoArray(sums, to + 3 * stride);
        c31.intoArray(sums, to + 3 * stride + PAIR);
    }

    /** The scales in the low halves of words. */
    private static FloatVector low(IntVector words) {
        return words.lanewise(VectorOperators.LSHL, Short.SIZE).reinterpretAsFloats();
    }

    /** The scales in the high halves of words. */
    private static FloatVector high(IntVector words) {
        return words.and(HIGH).reinterpretAsFloats();
    }

    private static FloatVector floats(IntVector integers) {
        return (FloatVector) integers.convert(VectorOperators.I2F, 0);
    }

    private static IntVector words(MemorySegment memory, long at) {
        return IntVector.fromMemorySegment(Lanes.INTS, memory, at, Lanes.ORDER);
    }

    private static FloatVector splat(float value) {
        return FloatVector.broadcast(Lanes.FLOATS, value);
    }

    private static FloatVector load(float[] x, int at) {
        return FloatVector.fromArray(Lanes.FLOATS, x, at);
    }
}
