package dev.nibble.quant;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;

/**
 * The lattice points that the IQ1, IQ2 and IQ3 formats refer to by number: each point is a group of 8 or 4 magnitudes
 * (signed values for IQ1) of consecutive weights, and only the points that occur most often in trained weights have a
 * number.
 *
 * <p>Each grid is a resource {@code NAME.grid} beside this class, which is a bit set. All points of dimension D over
 * L levels have the code Σ level(i) · Lⁱ, i = 0 … D−1, level(i) being the index of coordinate i among the ascending
 * levels; bit {@code code % 8} of byte {@code code / 8} is set if the grid holds the point. The number of a point is
 * its rank: how many points of smaller code the grid holds. So a grid takes 821 bytes (3⁸ codes) or 512 bytes (8⁴
 * codes).
 *
 * <p>Source: the tables of ggml (ggml-common.h), which list their points in this order.
 */
public enum Grid {
    IQ1("iq1", 8, 2048, -1, 0, 1),
    IQ2_XXS("iq2_xxs", 8, 256, 8, 25, 43),
    IQ2_XS("iq2_xs", 8, 512, 8, 25, 43),
    IQ2_S("iq2_s", 8, 1024, 8, 25, 43),
    IQ3_XXS("iq3_xxs", 4, 256, 4, 12, 20, 28, 36, 44, 52, 62),
    IQ3_S("iq3_s", 4, 512, 1, 3, 5, 7, 9, 11, 13, 15);

    private final String resource;
    private final int dimension;
    private final int size;
    private final int[] levels;

    Grid(String name, int dimension, int size, int... levels) {
        this.resource = name + ".grid";
        this.dimension = dimension;
        this.size = size;
        this.levels = levels;
    }

    /** Coordinates of a point: how many consecutive weights one number stands for. */
    public int dimension() {
        return dimension;
    }

    /** How many points the grid has. */
    public int size() {
        return size;
    }

    /** The value that a coordinate of this level has; levels ascend from 0. */
    public int level(int index) {
        return levels[index];
    }

    /** A new array of all points in the order of their numbers: [{@link #size}][{@link #dimension}]. */
    public byte[] points() {
        byte[] set = read();
        byte[] points = new byte[size * dimension];
        int rank = 0;
        for (int code = 0; code < 8 * set.length; code++) {
            if ((set[code / 8] >> code % 8 & 1) != 0) {
                putPoint(points, rank * dimension, code);
                rank++;
            }
        }
        if (rank != size) {
            throw new IllegalStateException(resource + " holds " + rank + " points instead of " + size);
        }
        return points;
    }

    private void putPoint(byte[] points, int at, int code) {
        int rest = code;
        for (int i = 0; i < dimension; i++) {
            points[at + i] = (byte) levels[rest % levels.length];
            rest /= levels.length;
        }
    }

    private byte[] read() {
        try (InputStream in = Grid.class.getResourceAsStream(resource)) {
            if (in == null) {
                throw new IllegalStateException("the resource " + resource + " is missing beside " + Grid.class);
            }
            return in.readAllBytes();
        } catch (IOException e) {
            throw new UncheckedIOException("cannot read the resource " + resource, e);
        }
    }
}
