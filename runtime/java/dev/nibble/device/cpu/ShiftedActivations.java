package dev.nibble.device.cpu;

import static dev.nibble.device.cpu.WeightVectors.broadcast;

import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShuffle;

/**
 * Activations of one token for words of small integers that are multiplied without being unpacked. A half word w of fields n0, n1, …
 * of b bits, shifted right by b · k, is, modulo 2^16, field k plus 2^b times w shifted by b · (k + 1). So
 *
 * <p>Σ nk · xk = Σ (w >> b k) · (xk − 2^b · x(k−1)) modulo 2^16
 *
 * <p>and as such sums are known to fit 16 bits, they are exact. The coefficients xk − 2^b · x(k−1) are kept here, for pairs of half
 * blocks at once, together with what the sums begin with: −zero · Σ x, by which the integers are taken less zero.
 *
 * <p>Each constant is an order of coefficients for one kind of words, read by the class of products of the same name.
 */
enum ShiftedActivations {
    /** Column c: coefficient c. */
    TWO_BITS(16, factors(8, 2)) {
        @Override
        void derive(QuantizedRows x, int block, int[] target, int to) {
            fields(x.blockPairs, block, target, to);
        }
    },

    /** Six for each word; two for the top bits of columns 14 and 15 in the last; the start. */
    THREE_BITS(21, new short[0]) {
        @Override
        void derive(QuantizedRows x, int block, int[] target, int to) {
            int[] pairs = x.blockPairs;
            int first = pairAt(block);
            int spare = first + 12;
            for (int j = 0; j < 3; j++) {
                int top = j < 2 ? 0 : 2;
                int at = first + 4 * j;
                int columns = spare + 2 * (j % 2);
                int last = j < 2 ? columns : spare + 2;
                int word = to + 6 * j;
                target[word] = pairs[at];
                target[word + 1] = difference(pairs[at + 1], 0, pairs[at], 3);
                target[word + 2] = difference(pairs[columns], top, pairs[at + 1], 3);
                target[word + 3] = difference(pairs[at + 2], 0, pairs[last], j < 2 ? 2 : 3);
                target[word + 4] = difference(pairs[at + 3], 0, pairs[at + 2], 3);
                target[word + 5] = difference(pairs[columns + 1], top, pairs[at + 3], 3);
            }
            target[to + 18] = difference(pairs[spare + 2], 2, pairs[spare], 3);
            target[to + 19] = difference(pairs[spare + 3], 2, pairs[spare + 1], 3);
            target[to + 20] = times(x.pairSums[block], -4);
        }
    },

    /** Coefficient 4 g + k for field k of word g, whose fields are those of a file's bytes; the start. */
    FOUR_BITS(17, factors(4, 4)) {
        @Override
        void derive(QuantizedRows x, int block, int[] target, int to) {
            for (int i = 0; i < 16; i += Lanes.COUNT) {
                IntVector low = IntVector.fromArray(Lanes.INTS, x.pairs, pairAt(block) + i / 2);
                IntVector high = IntVector.fromArray(Lanes.INTS, x.pairs, pairAt(block) + 8 + i / 2);
                IntVector met = low.rearrange(TWICE).blend(high.rearrange(TWICE), ODD);
                ShortVector before = met.rearrange(BEFORE).reinterpretAsShorts();
                met.reinterpretAsShorts()
                        .add(before.mul(ShortVector.fromArray(Lanes.SHORTS, factors, 2 * i)))
                        .reinterpretAsInts()
                        .intoArray(target, to + i);
            }
            int pair = x.pairSums[block];
            target[to + 16] = -8 * ((short) pair + (pair >> 16)) & 0xffff;
        }
    },

    /** Columns 0 … 14; five for the top bits; the start; 16 Σ x, which makes up for the start. */
    FIVE_BITS(22, factors(3, 5)) {
        @Override
        void derive(QuantizedRows x, int block, int[] target, int to) {
            fields(x.blockPairs, block, target, to);
            spareBits(x.blockPairs, pairAt(block), 3, 5, target, to + 15);
            int pair = x.pairSums[block];
            target[to + 20] = times(pair, -16);
            target[to + 21] = 16 * ((short) pair + (pair >> 16));
        }
    },

    /** Columns, of which 6, 7, 14 and 15 are not used; for each eight columns four for the top bits; two starts. */
    SIX_BITS(26, factors(2, 6)) {
        @Override
        void derive(QuantizedRows x, int block, int[] target, int to) {
            fields(x.blockPairs, block, target, to);
            for (int h = 0; h < 2; h++) {
                int[] pairs = x.blockPairs;
                int at = pairAt(block) + 8 * h;
                int spare = to + 16 + 4 * h;
                target[spare] = difference(pairs[at + 6], 0, pairs[at + 1], 6);
                target[spare + 1] = difference(pairs[at + 6], 4, pairs[at + 3], 6);
                target[spare + 2] = difference(pairs[at + 7], 0, pairs[at + 5], 6);
                target[spare + 3] = difference(pairs[at + 7], 4, pairs[at + 6], 6);
                int low = 0;
                int high = 0;
                for (int i = at; i < at + 8; i++) {
                    low += (short) pairs[i];
                    high += pairs[i] >> 16;
                }
                target[to + 24 + h] = -32 * low & 0xffff | -32 * high << 16;
            }
        }
    },

    /** Eight for the words' low bytes, eight for their high bytes, eight starts, with 2^15 added to their low halves; room for stores. */
    EIGHT_BITS(32, factors(2, 8)) {
        @Override
        void derive(QuantizedRows x, int block, int[] target, int to) {
            int half = Lanes.COUNT / 2;
            ShortVector added = broadcast(ADDED, 0);
            // Each store is wider than what it brings; the next one overwrites the rest.
            for (int i = 0; i < 8; i += half) {
                even(x, block, i).intoArray(target, to + i);
            }
            for (int i = 0; i < 8; i += half) {
                ShortVector even = even(x, block, i).reinterpretAsShorts();
                ShortVector odd = odd(x, block, i).reinterpretAsShorts();
                odd.sub(even.lanewise(VectorOperators.LSHL, 8))
                        .reinterpretAsInts()
                        .intoArray(target, to + 8 + i);
            }
            for (int i = 0; i < 8; i += half) {
                ShortVector sum = even(x, block, i)
                        .reinterpretAsShorts()
                        .add(odd(x, block, i).reinterpretAsShorts());
                added.sub(sum.lanewise(VectorOperators.LSHL, 7))
                        .reinterpretAsInts()
                        .intoArray(target, to + 16 + i);
            }
        }
    };

    private static final int[] ADDED = {0x8000};
    private static final VectorShuffle<Integer> TWICE = VectorShuffle.fromOp(Lanes.INTS, lane -> lane / 2);
    private static final VectorMask<Integer> ODD = VectorMask.fromLong(Lanes.INTS, 0xaaaa);
    private static final VectorShuffle<Integer> BEFORE =
            VectorShuffle.fromOp(Lanes.INTS, lane -> Math.max(0, lane - 1));
    private static final VectorShuffle<Integer> EVENS =
            VectorShuffle.fromOp(Lanes.INTS, lane -> 2 * lane % Lanes.COUNT);
    private static final VectorShuffle<Integer> ODDS =
            VectorShuffle.fromOp(Lanes.INTS, lane -> (2 * lane + 1) % Lanes.COUNT);

    /** Coefficients of a block. */
    private final int count;

    /** (column, half): −2^b where the column before is in the same word, else 0. */
    final short[] factors;

    ShiftedActivations(int count, short[] factors) {
        this.count = count;
        this.factors = factors;
    }

    /** Coefficients of a block of 32 columns. */
    int count() {
        return count;
    }

    /** Derives a block's coefficients from its pairs and their sums. */
    abstract void derive(QuantizedRows x, int block, int[] target, int to);

    /** Where a block's pairs begin. */
    private static int pairAt(int block) {
        return QuantizedRows.PAD + block * 16;
    }

    private static short[] factors(int fields, int bits) {
        short[] factors = new short[2 * 16];
        for (int i = 0; i < factors.length; i++) {
            factors[i] = (short) (i / 2 % fields == 0 ? 0 : -1 << bits);
        }
        return factors;
    }

    /** The coefficients of columns in their order. */
    final void fields(int[] pairs, int block, int[] target, int to) {
        for (int i = 0; i < 16; i += Lanes.COUNT) {
            int at = pairAt(block) + i;
            ShortVector x = IntVector.fromArray(Lanes.INTS, pairs, at).reinterpretAsShorts();
            ShortVector before = IntVector.fromArray(Lanes.INTS, pairs, at - 1).reinterpretAsShorts();
            x.add(before.mul(ShortVector.fromArray(Lanes.SHORTS, factors, 2 * i)))
                    .reinterpretAsInts()
                    .intoArray(target, to + i);
        }
    }

    /** The coefficients of the top bits of words, which are bits of column 15. */
    private static void spareBits(int[] pairs, int at, int fields, int bits, int[] target, int to) {
        for (int j = 0; j < 15 / fields; j++) {
            target[to + j] = difference(pairs[at + 15], j, pairs[at + fields * j + fields - 1], bits);
        }
    }

    /** x · 2^xShift − y · 2^yShift, of both halves. */
    private static int difference(int x, int xShift, int y, int yShift) {
        int low = (x << xShift) - (y << yShift);
        int high = (x >> 16 << xShift) - (y >> 16 << yShift);
        return low & 0xffff | high << 16;
    }

    private static int times(int pair, int factor) {
        return pair * factor & 0xffff | (pair >> 16) * factor << 16;
    }

    private static IntVector even(QuantizedRows x, int block, int word) {
        return IntVector.fromArray(Lanes.INTS, x.pairs, pairAt(block) + 2 * word)
                .rearrange(EVENS);
    }

    private static IntVector odd(QuantizedRows x, int block, int word) {
        return IntVector.fromArray(Lanes.INTS, x.pairs, pairAt(block) + 2 * word)
                .rearrange(ODDS);
    }
}
