package dev.nibble.device.cpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.nibble.quant.Grid;
import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class GridTablesTest {
    private static final int SLOTS = 128;

    @ParameterizedTest
    @EnumSource
    void wordsAreThePoints(Grid grid) {
        byte[] points = grid.points();
        int[] words = GridTables.words(grid);
        int dimension = grid.dimension();
        for (int i = 0; i < points.length; i++) {
            int number = i / dimension;
            int at = (grid == Grid.IQ1 ? GridTables.iq1Number(number) : number) * dimension + i % dimension;
            int expected = grid == Grid.IQ1 ? 8 * points[i] : points[i];
            assertEquals(128 + expected, words[at / 4] >>> 8 * (at % 4) & 0xff, "coordinate " + i);
        }
    }

    @Test
    void everyPointOfIq1HasANumber() {
        Set<Integer> numbers = new HashSet<>();
        for (int i = 0; i < Grid.IQ1.size(); i++) {
            numbers.add(GridTables.iq1Number(i));
        }
        assertEquals(Grid.IQ1.size(), numbers.size());
        assertTrue(numbers.stream().allMatch(number -> number >= 0 && number < Grid.IQ1.size()));
    }

    /** What kernels rely on that look first halves up by slots. */
    @Test
    void limitsTellFirstHalvesOfIq1() {
        byte[] points = Grid.IQ1.points();
        byte[] codes = GridTables.codes(Grid.IQ1);
        for (int i = 0; i < Grid.IQ1.size(); i++) {
            int number = GridTables.iq1Number(i);
            int slot = number % SLOTS;
            boolean above = number / SLOTS >= codes[2 * SLOTS + slot];
            int levels = 0;
            for (int c = 0; c < 4; c++) {
                levels |= points[8 * i + c] + 1 << 2 * c;
            }
            assertEquals((byte) levels, codes[above ? SLOTS + slot : slot], "point " + i);
        }
    }
}
