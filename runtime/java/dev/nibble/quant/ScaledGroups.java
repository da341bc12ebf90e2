package dev.nibble.quant;

import java.util.Arrays;

/** Blocks of groups with a small signed scale each: value ≈ d · scale · level. */
final class ScaledGroups {
    private static final int PASSES = 2;

    private final LevelSums sums;
    private final int groupsPerBlock;
    private final int leastScale;
    private final int greatestScale;
    private final int[] scales;
    private final float[] ds;

    // Of each group, with the scale that it has now.
    private final float[] errors;
    private final float[] products;
    private final float[] squares;

    /**
     * Finds scales for the groups of consecutive blocks.
     *
     * @param wanted the scale that each group alone would like best
     * @param leastScale the smallest number that a group's scale can be, negative
     * @param greatestScale the largest
     * @throws IllegalArgumentException if the scale of a block would not be finite in float16
     */
    ScaledGroups(
            GroupedValues values,
            Codebook codebook,
            float[] wanted,
            int groupsPerBlock,
            int leastScale,
            int greatestScale) {
        this.sums = new LevelSums(values, codebook);
        this.groupsPerBlock = groupsPerBlock;
        this.leastScale = leastScale;
        this.greatestScale = greatestScale;
        this.scales = new int[wanted.length];
        this.ds = new float[wanted.length / groupsPerBlock];
        this.errors = new float[wanted.length];
        this.products = new float[wanted.length];
        this.squares = new float[wanted.length];
        begin(wanted);
        for (int pass = 0; pass < PASSES; pass++) {
            adjustScales();
            adjustBlocks();
        }
    }

    /** The block's scale, as float16 holds it. */
    float d(int block) {
        return ds[block];
    }

    /** The scale of a group, counted through all blocks. */
    int scale(int group) {
        return scales[group];
    }

    /** What a value of a group is to be multiplied by to be on the codebook's scale. */
    float inverse(int group) {
        return inverse(group, scales[group]);
    }

    /** Lets the scale farthest from zero be the least number. */
    private void begin(float[] wanted) {
        for (int block = 0; block < ds.length; block++) {
            float farthest = farthestFromZero(wanted, block * groupsPerBlock, groupsPerBlock);
            ds[block] = BlockBytes.roundScale(farthest / leastScale);
        }
        for (int group = 0; group < scales.length; group++) {
            float d = ds[group / groupsPerBlock];
            scales[group] = d == 0 ? 0 : clamp(Math.round(wanted[group] / d));
        }
    }

    /** The value of largest magnitude among {@code count} values, with its sign; NaN if one of them is. */
    private static float farthestFromZero(float[] values, int at, int count) {
        float farthest = 0;
        for (int i = at; i < at + count; i++) {
            if (Math.abs(values[i]) > Math.abs(farthest) || Float.isNaN(values[i])) {
                farthest = values[i];
            }
        }
        return farthest;
    }

    /** Lets each group choose among the neighbours of its scale. */
    private void adjustScales() {
        int[] middle = scales.clone();
        float[] inverses = new float[middle.length];
        Arrays.fill(errors, Float.POSITIVE_INFINITY);
        for (int shift = -1; shift <= 1; shift++) {
            for (int group = 0; group < middle.length; group++) {
                inverses[group] = inverse(group, clamp(middle[group] + shift));
            }
            sums.measure(inverses);
            for (int group = 0; group < middle.length; group++) {
                offer(group, clamp(middle[group] + shift));
            }
        }
    }

    private void offer(int group, int scale) {
        float step = ds[group / groupsPerBlock] * scale;
        float error = step * (step * sums.square(group) - 2 * sums.product(group));
        if (error < errors[group]) {
            errors[group] = error;
            scales[group] = scale;
            products[group] = sums.product(group);
            squares[group] = sums.square(group);
        }
    }

    /** Gives each block the least-squares scale of what its groups have chosen. */
    private void adjustBlocks() {
        for (int block = 0; block < ds.length; block++) {
            double product = 0;
            double square = 0;
            for (int group = block * groupsPerBlock; group < (block + 1) * groupsPerBlock; group++) {
                product += scales[group] * (double) products[group];
                square += scales[group] * (double) scales[group] * squares[group];
            }
            float d = square > 0 ? BlockBytes.roundScale((float) (product / square)) : 0;
            ds[block] = d == 0 ? ds[block] : d;
        }
    }

    private float inverse(int group, int scale) {
        float step = ds[group / groupsPerBlock] * scale;
        return step == 0 ? 0 : 1 / step;
    }

    private int clamp(int scale) {
        return Math.clamp(scale, leastScale, greatestScale);
    }
}
