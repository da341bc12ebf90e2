package dev.nibble.quant;

import java.util.Arrays;

/** Blocks of groups with a small scale and minimum each: value ≈ d · scale · q − dmin · minimum, q = 0 … most. */
final class AffineGroups {
    private static final int PASSES = 2;

    private final LineSums sums;
    private final float[] base;
    private final int groupsPerBlock;
    private final int most;
    private final int scaleMost;
    private final int[] scales;
    private final int[] minima;
    private final float[] ds;
    private final float[] dmins;

    // Of each group, with the scale and minimum that it has now.
    private final float[] gains;
    private final float[] numbers;
    private final float[] squares;
    private final float[] products;

    /**
     * Finds scales and minima for the groups of consecutive blocks.
     *
     * @param lines the line that each group alone would like best
     * @param most the largest q
     * @param scaleMost the largest number that a group's scale or minimum can be
     * @throws IllegalArgumentException if the scales of a block would not be finite in float16
     */
    AffineGroups(AffineSearch lines, int groupsPerBlock, int most, int scaleMost) {
        this.sums = lines.sums();
        this.base = lines.base();
        this.groupsPerBlock = groupsPerBlock;
        this.most = most;
        this.scaleMost = scaleMost;
        int groups = base.length;
        this.scales = new int[groups];
        this.minima = new int[groups];
        this.ds = new float[groups / groupsPerBlock];
        this.dmins = new float[groups / groupsPerBlock];
        this.gains = new float[groups];
        this.numbers = new float[groups];
        this.squares = new float[groups];
        this.products = new float[groups];
        begin(lines);
        for (int pass = 0; pass < PASSES; pass++) {
            adjustLines();
            adjustBlocks();
        }
    }

    /** The scale of scales of a block, as float16 holds it. */
    float d(int block) {
        return ds[block];
    }

    /** The scale of minima of a block, as float16 holds it. */
    float dmin(int block) {
        return dmins[block];
    }

    /** The scale of a group, counted through all blocks. */
    int scale(int group) {
        return scales[group];
    }

    /** The minimum of a group, counted through all blocks. */
    int minimum(int group) {
        return minima[group];
    }

    /** What the quants of a group can express. */
    Line line(int group) {
        int block = group / groupsPerBlock;
        return Line.of(ds[block] * scales[group], -dmins[block] * minima[group], most);
    }

    /** Lets the largest scale and the largest minimum of a block be the largest number. */
    private void begin(AffineSearch lines) {
        for (int block = 0; block < ds.length; block++) {
            float step = 0;
            float depth = 0;
            for (int group = block * groupsPerBlock; group < (block + 1) * groupsPerBlock; group++) {
                step = Math.max(step, lines.step(group));
                depth = Math.max(depth, -lines.start(group));
            }
            ds[block] = BlockBytes.roundScale(step / scaleMost);
            dmins[block] = BlockBytes.roundScale(depth / scaleMost);
        }
        for (int group = 0; group < scales.length; group++) {
            scales[group] = number(lines.step(group), ds[group / groupsPerBlock]);
            minima[group] = number(-lines.start(group), dmins[group / groupsPerBlock]);
        }
    }

    private int number(float value, float unit) {
        return unit == 0 ? 0 : clamp(Math.round(value / unit));
    }

    private int clamp(int number) {
        return Math.clamp(number, 0, scaleMost);
    }

    /** Lets each group choose among the neighbours of its scale and minimum. */
    private void adjustLines() {
        int[] middleScales = scales.clone();
        int[] middleMinima = minima.clone();
        Arrays.fill(gains, Float.NEGATIVE_INFINITY);
        for (int shift = 0; shift < 9; shift++) {
            for (int group = 0; group < scales.length; group++) {
                int scale = clamp(middleScales[group] + shift % 3 - 1);
                int minimum = clamp(middleMinima[group] + shift / 3 - 1);
                sums.line(group, start(group, minimum), step(group, scale));
            }
            sums.measure();
            for (int group = 0; group < scales.length; group++) {
                offer(group, clamp(middleScales[group] + shift % 3 - 1), clamp(middleMinima[group] + shift / 3 - 1));
            }
        }
    }

    /** Where a line starts, on the scale of the values in the sums. */
    private float start(int group, int minimum) {
        return -dmins[group / groupsPerBlock] * minimum - base[group];
    }

    private float step(int group, int scale) {
        return ds[group / groupsPerBlock] * scale;
    }

    private void offer(int group, int scale, int minimum) {
        float gain = sums.gain(group, start(group, minimum), step(group, scale));
        if (gain > gains[group]) {
            gains[group] = gain;
            scales[group] = scale;
            minima[group] = minimum;
            numbers[group] = sums.number(group);
            squares[group] = sums.square(group);
            products[group] = sums.product(group);
        }
    }

    /** Gives each block the least-squares d and dmin of what its groups have chosen. */
    private void adjustBlocks() {
        for (int block = 0; block < ds.length; block++) {
            adjust(block);
        }
    }

    private void adjust(int block) {
        double scaleSquares = 0;
        double scaleProducts = 0;
        double minimumSquares = 0;
        double minimumProducts = 0;
        double mixed = 0;
        for (int group = block * groupsPerBlock; group < (block + 1) * groupsPerBlock; group++) {
            double scale = scales[group];
            double minimum = minima[group];
            scaleSquares += scale * scale * squares[group];
            scaleProducts += scale * (products[group] + (double) base[group] * numbers[group]);
            minimumSquares += minimum * minimum * sums.weight(group);
            minimumProducts -= minimum * (sums.total(group) + (double) base[group] * sums.weight(group));
            mixed += scale * minimum * numbers[group];
        }
        double determinant = scaleSquares * minimumSquares - mixed * mixed;
        double newD = (minimumSquares * scaleProducts + mixed * minimumProducts) / determinant;
        double newDmin = (scaleSquares * minimumProducts + mixed * scaleProducts) / determinant;
        if (determinant > 0 && newD > 0 && newDmin > 0) {
            ds[block] = BlockBytes.roundScale((float) newD);
            dmins[block] = BlockBytes.roundScale((float) newDmin);
        } else if (minimumSquares == 0 && scaleSquares > 0) {
            ds[block] = BlockBytes.roundScale((float) (scaleProducts / scaleSquares));
        }
    }
}
