package dev.nibble.quant;

/**
 * Finds for each group the scale by which a codebook's levels come nearest to its values: least Σ weight · (value − scale ·
 * level)². Tries scales that put the value farthest from zero near an end of the codebook, gives each the least-squares scale of
 * the levels that it leads to, and goes on from the best.
 */
final class ScaleSearch {
    private static final int REFINEMENTS = 2;

    private final LevelSums sums;
    private final float[] farthest;
    private final float[] inverses;
    private final float[] gains;
    private final float[] scales;

    private ScaleSearch(GroupedValues values, LevelSums sums, int least) {
        this.sums = sums;
        this.farthest = values.farthestFromZero();
        this.inverses = new float[farthest.length];
        this.gains = new float[farthest.length];
        this.scales = new float[farthest.length];
        for (int group = 0; group < scales.length; group++) {
            scales[group] = farthest[group] / least;
        }
    }

    /**
     * The best scale of each group; NaN or infinite if one of its values is.
     *
     * @param ends where to put the value farthest from zero, as levels; beyond the codebook's end they clip it
     */
    static float[] best(GroupedValues values, Codebook codebook, float... ends) {
        ScaleSearch search = new ScaleSearch(values, new LevelSums(values, codebook), codebook.least());
        for (float end : ends) {
            search.tryEnd(end);
        }
        for (int i = 0; i < REFINEMENTS; i++) {
            search.refine();
        }
        return search.scales;
    }

    private void tryEnd(float end) {
        for (int group = 0; group < inverses.length; group++) {
            inverses[group] = end / farthest[group];
        }
        improve();
    }

    private void refine() {
        for (int group = 0; group < inverses.length; group++) {
            inverses[group] = 1 / scales[group];
        }
        improve();
    }

    /** Takes the least-squares scale where it lessens the squared error by more than the best so far. */
    private void improve() {
        sums.measure(inverses);
        for (int group = 0; group < scales.length; group++) {
            float scale = sums.product(group) / sums.square(group);
            float gain = scale * sums.product(group);
            if (gain > gains[group]) {
                gains[group] = gain;
                scales[group] = scale;
            }
        }
    }
}
