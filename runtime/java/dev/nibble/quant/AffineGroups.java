package dev.nibble.quant;

/**
 * A block of values as groups of its own scale and minimum each: value ≈ d · scale · q − dmin · minimum, q = 0 … most.
 *
 * @param d the block's scale of scales, as float16 holds it
 * @param dmin the block's scale of minima, as float16 holds it
 * @param scales one small number per group
 * @param minima one small number per group
 * @param most the largest q
 */
record AffineGroups(float d, float dmin, int[] scales, int[] minima, int most) {
    /**
     * Lets q = 0 … {@code most} span the values of each group and zero, and rounds scales and minima to 0 … {@code
     * scaleMost}.
     */
    static AffineGroups fit(float[] values, int at, int count, int groupLength, int most, int scaleMost) {
        int groups = count / groupLength;
        float[] steps = new float[groups];
        float[] depths = new float[groups];
        for (int group = 0; group < groups; group++) {
            int from = at + groupLength * group;
            float least = Math.min(0, Line.least(values, from, groupLength));
            float greatest = Math.max(0, Line.greatest(values, from, groupLength));
            steps[group] = (greatest - least) / most;
            depths[group] = -least;
        }
        float d = BlockBytes.roundScale(Line.greatest(steps, 0, groups) / scaleMost);
        float dmin = BlockBytes.roundScale(Line.greatest(depths, 0, groups) / scaleMost);
        int[] scales = numbers(steps, new Line(d, 0, scaleMost));
        int[] minima = numbers(depths, new Line(dmin, 0, scaleMost));
        return new AffineGroups(d, dmin, scales, minima, most);
    }

    /** What the quants of a group can express. */
    Line line(int group) {
        return new Line(d * scales[group], -dmin * minima[group], most);
    }

    private static int[] numbers(float[] values, Line line) {
        int[] numbers = new int[values.length];
        for (int i = 0; i < numbers.length; i++) {
            numbers[i] = line.nearest(values[i]);
        }
        return numbers;
    }
}
