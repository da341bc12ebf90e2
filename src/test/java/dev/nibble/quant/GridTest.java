package dev.nibble.quant;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.zip.CRC32;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class GridTest {
    /** The checksums are those of ggml's own tables, point after point, a byte per coordinate. */
    @ParameterizedTest
    @CsvSource({
        "IQ1,     8, 2048, b85e6ccf",
        "IQ2_XXS, 8,  256, 9924ff02",
        "IQ2_XS,  8,  512, fa1e1bfd",
        "IQ2_S,   8, 1024, 25ae5bf1",
        "IQ3_XXS, 4,  256, 07ba9ed0",
        "IQ3_S,   4,  512, f576e4f3",
    })
    void holdsThePointsInOrder(Grid grid, int dimension, int size, String checksum) {
        byte[] points = grid.points();
        assertEquals(dimension, grid.dimension());
        assertEquals(size, grid.size());
        assertEquals(size * dimension, points.length);
        CRC32 crc = new CRC32();
        crc.update(points);
        assertEquals(checksum, "%08x".formatted(crc.getValue()));
    }
}
