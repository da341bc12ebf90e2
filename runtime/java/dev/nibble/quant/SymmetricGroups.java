package dev.nibble.quant;

/**
 * A block of values as groups of 16 with a signed scale each: value ≈ d · scale · (q − half), q = 0 … 2 · half − 1.
 *
 * @param d the block's scale of scales, as float16 holds it
 * @param scales one small signed number per group
 * @param half the q that means zero
 */
record SymmetricGroups(float d, int[] scales, int half) {
    private static final int GROUP_LENGTH = 16;

    /**
     * Lets q = 0 express the value farthest from zero in each group, whatever its sign, and rounds the scales to
     * −scaleHalf … scaleHalf − 1 in the same way.
     */
    static SymmetricGroups fit(float[] values, int at, int count, int half, int scaleHalf) {
        int groups = count / GROUP_LENGTH;
        float[] steps = new float[groups];
        for (int group = 0; group < groups; group++) {
            steps[group] = Line.farthestFromZero(values, at + GROUP_LENGTH * group, GROUP_LENGTH) / -half;
        }
        float d = BlockBytes.roundScale(Line.farthestFromZero(steps, 0, groups) / -scaleHalf);
        Line line = new Line(d, -scaleHalf * d, 2 * scaleHalf - 1);
        int[] scales = new int[groups];
        for (int group = 0; group < groups; group++) {
            scales[group] = d == 0 ? 0 : line.nearest(steps[group]) - scaleHalf;
        }
        return new SymmetricGroups(d, scales, half);
    }

    /** What the quants of a group can express. */
    Line line(int group) {
        float step = d * scales[group];
        return new Line(step, -half * step, 2 * half - 1);
    }
}
