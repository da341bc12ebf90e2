package dev.nibble.quant.affine;

import java.util.Objects;

/**
 * Brings the accumulators of channels that have scales of their own to one unit, in integers: channel i is multiplied by S_i / U,
 * where the unit U is the largest of the scales divided by a power of two. The power is as large as the sums allow, so that
 * results lie within ±2^30 and the rounding of this step is far below that of any that follows.
 */
public final class ChannelScales {
    /**
     * The most columns of a product: with int8 inputs of any zero point and weights within ±127, a sum is at most 255 · 127 ·
     * columns, which fits 32 bits so far.
     */
    public static final int MOST_COLUMNS = Integer.MAX_VALUE / (255 * 127);

    private static final int RESULT_BITS = 30;

    private final int[] mantissas;
    private final byte[] shifts;
    private final double unit;

    /**
     * The multipliers of the channels of a matrix.
     *
     * @param scales holds the scale of each channel's weights, which are symmetric int8
     * @param at the first channel
     * @param count the number of channels
     * @param columns the inputs of a channel, at most {@link #MOST_COLUMNS}
     */
    public ChannelScales(float[] scales, int at, int count, int columns) {
        if (columns < 1 || columns > MOST_COLUMNS) {
            throw new IllegalArgumentException("sums of " + columns + " products of int8 are beyond 32 bits; up to "
                    + MOST_COLUMNS + " are within");
        }
        double largest = 0;
        for (int i = at; i < at + count; i++) {
            largest = Math.max(largest, scales[i]);
        }
        long most = 255L * 127 * columns;
        unit = Math.scalb(largest, -(RESULT_BITS - (Long.SIZE - Long.numberOfLeadingZeros(most))));
        mantissas = new int[count];
        shifts = new byte[count];
        for (int i = 0; i < count; i++) {
            FixedPointMultiplier multiplier = FixedPointMultiplier.of(scales[at + i] / unit);
            // A scale is at most 2^15 units: the shift is positive. One beyond 62 leaves nothing of any product.
            boolean tiny = multiplier.shift() > FixedPointMultiplier.MOST_SHIFT;
            mantissas[i] = tiny ? 0 : multiplier.mantissa();
            shifts[i] = (byte) (tiny ? FixedPointMultiplier.MOST_SHIFT : multiplier.shift());
        }
    }

    /** Bytes that the multipliers of so many channels take. */
    public static long bytes(long channels) {
        return channels * (Integer.BYTES + Byte.BYTES);
    }

    /** What 1 is worth in {@link #toUnit}, where an input step is worth 1. */
    public double unit() {
        return unit;
    }

    /** A channel's accumulator in units, rounded to nearest, ties upwards. */
    public int toUnit(int channel, int accumulator) {
        return FixedPointMultiplier.multiply(accumulator, mantissas[channel], shifts[channel]);
    }

    /** The same for neighbouring channels from {@code channel} on, in place. */
    public void toUnits(int channel, int[] accumulators, int at, int count) {
        Objects.checkFromIndexSize(at, count, accumulators.length);
        for (int i = 0; i < count; i++) {
            // As multiply() does, but that sums of so many columns need no saturation, nor such shifts a case of their
            // own.
            long product = (long) accumulators[at + i] * mantissas[channel + i];
            int shift = shifts[channel + i];
            accumulators[at + i] = (int) (product + (1L << shift - 1) >> shift);
        }
    }
}
