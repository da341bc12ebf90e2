package dev.nibble.device.cpu;

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
     * scores (4, 32 tokens) (+)= queries (4, 32 values) × keys (32 values, 32 tokens).
     *
     * @param bits of an integer of the keys
     * @param q integers of the queries, rows a tile apart
     * @param scales of the four queries
     * @param scores rows a tile apart
     * @param add whether scores are added to, or overwritten
     */
    static void scores(
            int bits,
            float[] q,
            int qAt,
            float[] scales,
            int scaleAt,
            MemorySegment keys,
            long at,
            float[] scores,
            int to,
            boolean add) {
        for (int i = 0; i < PAIR; i += Lanes.COUNT) {
            scores(bits, Integer.SIZE - bits, q, qAt, scales, scaleAt, keys, at + i * 4L, scores, to + i, add);
        }
    }

    private static void scores(
            int bits,
            int rest,
            float[] q,
            int qAt,
            float[] scales,
            int scaleAt,
            MemorySegment keys,
            long at,
            float[] scores,
            int to,
            boolean add) {
        FloatVector c00 = FloatVector.zero(Lanes.FLOATS);
        FloatVector c01 = c00;
        FloatVector c10 = c00;
        FloatVector c11 = c00;
        FloatVector c20 = c00;
        FloatVector c21 = c00;
        FloatVector c30 = c00;
        FloatVector c31 = c00;
        long word = at + KvBlock.SCALES;
        for (int value = 0; value < SIZE; word += SIZE * 4L) {
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
                FloatVector a1 = splat(q[qAt + STRIDE + value]);
                c10 = a1.fma(k0, c10);
                c11 = a1.fma(k1, c11);
                FloatVector a2 = splat(q[qAt + 2 * STRIDE + value]);
                c20 = a2.fma(k0, c20);
                c21 = a2.fma(k1, c21);
                FloatVector a3 = splat(q[qAt + 3 * STRIDE + value]);
                c30 = a3.fma(k0, c30);
                c31 = a3.fma(k1, c31);
            }
        }
        IntVector both = words(keys, at);
        FloatVector s0 = low(both);
        FloatVector s1 = high(both);
        put(c00.mul(splat(scales[scaleAt])).mul(s0), scores, to, add);
        put(c01.mul(splat(scales[scaleAt])).mul(s1), scores, to + PAIR, add);
        put(c10.mul(splat(scales[scaleAt + 1])).mul(s0), scores, to + STRIDE, add);
        put(c11.mul(splat(scales[scaleAt + 1])).mul(s1), scores, to + STRIDE + PAIR, add);
        put(c20.mul(splat(scales[scaleAt + 2])).mul(s0), scores, to + 2 * STRIDE, add);
        put(c21.mul(splat(scales[scaleAt + 2])).mul(s1), scores, to + 2 * STRIDE + PAIR, add);
        put(c30.mul(splat(scales[scaleAt + 3])).mul(s0), scores, to + 3 * STRIDE, add);
        put(c31.mul(splat(scales[scaleAt + 3])).mul(s1), scores, to + 3 * STRIDE + PAIR, add);
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

    private static void put(FloatVector values, float[] target, int at, boolean add) {
        (add ? values.add(load(target, at)) : values).intoArray(target, at);
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
