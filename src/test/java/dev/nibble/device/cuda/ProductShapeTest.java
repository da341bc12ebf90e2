package dev.nibble.device.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.nibble.device.NeedsCuda;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ProductShapeTest {
    /** Of a device with 132 processors. */
    @ParameterizedTest
    @CsvSource({
        "Q4_0, 1, 4096, 128, 16, 1",
        "Q4_0, 1, 4096, 896, 8, 1",
        "Q8_0, 1, 4096, 128, 8, 1",
        "F32, 1, 7168, 8, 4, 7",
        "Q6_K, 1, 7168, 18, 4, 7",
        "Q4_0, 2, 4096, 128, 8, 1",
        "Q4_0, 1, 64, 1, 1, 1"
    })
    void fewTilesHaveManyWarps(WeightLayout layout, int rows, int columns, int tiles, int warps, int slices) {
        ProductShape shape = ProductShape.of(layout, rows, columns, tiles, 132);
        assertEquals(new ProductShape(rows, 1, warps, slices), shape);
        assertEquals(1, shape.withoutSlices().slices());
    }

    @Test
    @ExtendWith(NeedsCuda.class)
    void whatIsMeasuredIsOneOfTheChoicesAndLeavesNothing() {
        try (CudaDevice device = CudaDevice.open(CudaPlatform.system(), 0)) {
            device.leftovers();
            long free = device.freeMemory();
            for (WeightLayout layout : List.of(WeightLayout.Q4_0, WeightLayout.BF16)) {
                ProductChoice.Size size = ProductChoice.Size.of(layout, 3, 600);
                assertEquals(new ProductChoice.Size(layout, 2, 512), size);
                int rows = device.productChoice().measure(size, 1 << 16);
                Set<Integer> choices =
                        layout.takesBlocks() ? Set.of(2, 3, 5) : Set.of(2, 3, 5, 9, 17, Integer.MAX_VALUE);
                assertTrue(choices.contains(rows), () -> "from " + rows + " rows on");
                assertEquals(free, device.freeMemory());
            }
        }
    }
}
