package dev.nibble.device.opencl;

import dev.nibble.quant.Grid;

/**
 * The grids as tables of kernels: an int for each point. Of eight coordinates an int has the levels, those of the first four in the low
 * halves of its bytes, those of the others in the high halves; of four coordinates it has the magnitudes.
 */
final class GridTables {
    private static final int LEVELS = 3;

    private GridTables() {}

    /** The text of {@code grids.cl}. */
    static String source() {
        return "#if PACKED == IQ1_S || PACKED == IQ1_M\n" + table(Grid.IQ1)
                + "#elif PACKED == IQ2_XXS\n" + table(Grid.IQ2_XXS)
                + "#elif PACKED == IQ2_XS\n" + table(Grid.IQ2_XS)
                + "#elif PACKED == IQ2_S\n" + table(Grid.IQ2_S)
                + "#elif PACKED == IQ3_XXS\n" + table(Grid.IQ3_XXS)
                + "#elif PACKED == IQ3_S\n" + table(Grid.IQ3_S)
                + "#endif\n";
    }

    private static String table(Grid grid) {
        StringBuilder text = new StringBuilder("constant int grid[] = {");
        byte[] points = grid.points();
        for (int point = 0; point < grid.size(); point++) {
            text.append(point % 16 == 0 ? "\n" : "")
                    .append(word(points, point * grid.dimension(), grid))
                    .append(',');
        }
        return text.append("\n};\n").toString();
    }

    private static int word(byte[] points, int at, Grid grid) {
        int word = 0;
        for (int i = 0; i < grid.dimension(); i++) {
            int bits = grid.dimension() == 4 ? points[at + i] : level(points[at + i], grid) << i / 4 * 4;
            word |= bits << i % 4 * 8;
        }
        return word;
    }

    private static int level(int coordinate, Grid grid) {
        for (int level = 0; level < LEVELS; level++) {
            if (grid.level(level) == coordinate) {
                return level;
            }
        }
        throw new IllegalStateException(grid + " has a coordinate " + coordinate);
    }
}
