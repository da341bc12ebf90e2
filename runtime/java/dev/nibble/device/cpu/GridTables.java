package dev.nibble.device.cpu;

import dev.nibble.quant.Grid;
import java.util.Arrays;
import java.util.Comparator;
import java.util.stream.IntStream;

/**
 * The points of grids, as kernels look them up.
 *
 * <p>Those of IQ1 have numbers of their own here: the 16 numbers that agree in the lower seven bits, in ascending order, are points of
 * which the first have one half of coordinates in common, and the others have another. So kernels find this half in small tables.
 */
final class GridTables {
    /** What IQ1 types count as one. */
    private static final int IQ1_UNIT = 8;

    /** Numbers that are looked up at once, and how many points of IQ1 share one. */
    private static final int SLOTS = 128;

    private static final int SHARED = Grid.IQ1.size() / SLOTS;

    private static final int[] IQ1_NUMBERS = iq1Numbers();

    private static final int[][] WORDS =
            Arrays.stream(Grid.values()).map(GridTables::toWords).toArray(int[][]::new);

    private GridTables() {}

    /** The number here of a point of IQ1 that has a number in files. */
    static int iq1Number(int inFile) {
        return IQ1_NUMBERS[inFile];
    }

    /** Orders points by first half, the rarest first: so no more than two share a slot. */
    private static int[] iq1Numbers() {
        byte[] points = Grid.IQ1.points();
        int[] counts = new int[1 << 8];
        for (int i = 0; i < Grid.IQ1.size(); i++) {
            counts[half(Grid.IQ1, points, i, 0)]++;
        }
        Comparator<Integer> rarest = Comparator.comparingInt(i -> counts[half(Grid.IQ1, points, i, 0)]);
        int[] order = IntStream.range(0, Grid.IQ1.size())
                .boxed()
                .sorted(rarest.thenComparingInt(i -> half(Grid.IQ1, points, i, 0)))
                .mapToInt(i -> i)
                .toArray();
        int[] numbers = new int[order.length];
        for (int i = 0; i < order.length; i++) {
            numbers[order[i]] = i % SHARED * SLOTS + i / SHARED;
        }
        return numbers;
    }

    private static int number(Grid grid, int inFile) {
        return grid == Grid.IQ1 ? iq1Number(inFile) : inFile;
    }

    /** (point, word): four columns, a byte for each, 128 means 0; those of IQ1 in eighths. */
    static int[] words(Grid grid) {
        return WORDS[grid.ordinal()];
    }

    private static int[] toWords(Grid grid) {
        byte[] points = grid.points();
        int unit = grid == Grid.IQ1 ? IQ1_UNIT : 1;
        int dimension = grid.dimension();
        int[] words = new int[points.length / 4];
        for (int i = 0; i < points.length; i++) {
            int at = number(grid, i / dimension) * dimension + i % dimension;
            words[at / 4] |= (128 + unit * points[i]) << 8 * (at % 4);
        }
        return words;
    }

    /**
     * (half of a point, point): the levels of its coordinates. Those of eight coordinates take two bits each, those of four take four.
     * Instead of the first halves of IQ1 there are, for each slot, the one below a limit, that from the limit on, and the limit.
     */
    static byte[] codes(Grid grid) {
        byte[] points = grid.points();
        int size = grid.size();
        byte[] codes = new byte[2 * size];
        for (int i = 0; i < size; i++) {
            int number = number(grid, i);
            codes[number] = (byte) half(grid, points, i, 0);
            codes[size + number] = (byte) half(grid, points, i, 1);
        }
        return grid == Grid.IQ1 ? withLimits(codes) : codes;
    }

    private static byte[] withLimits(byte[] codes) {
        byte[] limited = codes.clone();
        Arrays.fill(limited, 0, Grid.IQ1.size(), (byte) 0);
        for (int slot = 0; slot < SLOTS; slot++) {
            int limit = 1;
            while (limit < SHARED && codes[limit * SLOTS + slot] == codes[slot]) {
                limit++;
            }
            limited[slot] = codes[slot];
            limited[SLOTS + slot] = codes[(SHARED - 1) * SLOTS + slot];
            limited[2 * SLOTS + slot] = (byte) limit;
        }
        return limited;
    }

    /** The levels of half a point. */
    private static int half(Grid grid, byte[] points, int point, int half) {
        int count = grid.dimension() / 2;
        int levels = 0;
        for (int i = 0; i < count; i++) {
            levels |= levelOf(grid, points[(2 * point + half) * count + i]) << 8 / count * i;
        }
        return levels;
    }

    private static int levelOf(Grid grid, int value) {
        int level = 0;
        while (grid.level(level) != value) {
            level++;
        }
        return level;
    }
}
