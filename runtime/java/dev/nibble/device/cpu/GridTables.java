package dev.nibble.device.cpu;

import dev.nibble.quant.Grid;
import java.util.Arrays;

/** The points of grids, as kernels look them up. */
final class GridTables {
    /** What IQ1 types count as one. */
    private static final int IQ1_UNIT = 8;

    private static final int[][] WORDS =
            Arrays.stream(Grid.values()).map(GridTables::toWords).toArray(int[][]::new);

    private GridTables() {}

    /** (point, word): four columns, a byte for each, 128 means 0; those of IQ1 in eighths. */
    static int[] words(Grid grid) {
        return WORDS[grid.ordinal()];
    }

    private static int[] toWords(Grid grid) {
        byte[] points = grid.points();
        int unit = grid == Grid.IQ1 ? IQ1_UNIT : 1;
        int[] words = new int[points.length / 4];
        for (int i = 0; i < points.length; i++) {
            words[i / 4] |= (128 + unit * points[i]) << 8 * (i % 4);
        }
        return words;
    }

    /**
     * (half of a point, point): the levels of its coordinates. Those of eight coordinates take two bits each, those of four take four.
     */
    static byte[] codes(Grid grid) {
        byte[] points = grid.points();
        int dimension = grid.dimension();
        int half = dimension / 2;
        int bits = 8 / half;
        byte[] codes = new byte[2 * grid.size()];
        for (int i = 0; i < points.length; i++) {
            int at = i % dimension / half * grid.size() + i / dimension;
            codes[at] |= (byte) (levelOf(grid, points[i]) << bits * (i % half));
        }
        return codes;
    }

    private static int levelOf(Grid grid, int value) {
        int level = 0;
        while (grid.level(level) != value) {
            level++;
        }
        return level;
    }
}
