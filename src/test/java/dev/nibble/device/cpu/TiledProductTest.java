package dev.nibble.device.cpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.nibble.device.WeightShape;
import dev.nibble.gguf.TensorType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.Optional;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class TiledProductTest {
    private static final int[] ROWS = {1, 7, 31, 32, 33, 255, 257};
    private static final int[] COLUMNS = {32, 64, 96, 256, 288, 512, 544};

    @ParameterizedTest
    @EnumSource
    void equalsScalarProduct(TileLayout layout) {
        TensorType type = TensorType.valueOf(layout.name());
        for (int rows : ROWS) {
            for (int columns : COLUMNS) {
                if (columns % type.blockLength() == 0) {
                    ProductCheck.compare(new WeightShape("w", type, 1, rows, columns));
                }
            }
        }
    }

    /** A native product orders the columns of a single token beforehand, unless they are very many. */
    @ParameterizedTest
    @EnumSource
    @Tag("slow")
    void equalsScalarProductInLongRows(TileLayout layout) {
        TensorType type = TensorType.valueOf(layout.name());
        ProductCheck.compare(new WeightShape("w", type, 1, 7, 32_768));
        ProductCheck.compare(new WeightShape("w", type, 1, 7, 33_024));
    }

    @ParameterizedTest
    @EnumSource(names = {"F32", "F16", "BF16", "TQ1_0", "TQ2_0"})
    void decodesOtherTypesOnTheFly(TensorType type) {
        int columns = type.blockLength() == 256 ? 768 : 544;
        ProductCheck.compare(new WeightShape("w", type, 1, 33, columns));
        ProductCheck.compare(new WeightShape("w", type, 1, 7, type.blockLength() == 256 ? 256 : 32));
    }

    @Test
    void floatWeightsMayHaveAnyNumberOfColumns() {
        ProductCheck.compare(new WeightShape("w", TensorType.F32, 1, 5, 1));
        ProductCheck.compare(new WeightShape("w", TensorType.F16, 1, 33, 531));
    }

    @ParameterizedTest
    @EnumSource
    void packedSizeIsWithinFourPercentOfTheFile(TileLayout layout) {
        TensorType type = TensorType.valueOf(layout.name());
        WeightShape shape = new WeightShape("w", type, 1, 320, 2048);
        assertTrue(
                PackedMatrix.packedBytes(shape) <= 1.04 * shape.bytes(),
                () -> PackedMatrix.packedBytes(shape) + " bytes for " + shape.bytes());
    }

    @Test
    void expertsBeginWithATileAndRowsAreSelected() {
        WeightShape shape = new WeightShape("w", TensorType.Q4_0, 3, 40, 64);
        RandomWeights weights = RandomWeights.of(shape, 5);
        ProductCheck.Activations x = ProductCheck.Activations.random(6, 64, 7);
        MemorySegment out = ProductCheck.poisoned(6, 40);
        RowSelection selection = new RowSelection(3, new int[] {4, 0, 4}, new int[] {1, 5, 2});
        new TiledProduct(
                        weights.packed(),
                        x.quantized(NativeKernels.chosen()),
                        null,
                        selection,
                        new FloatRows(out, 160),
                        null)
                .compute(2, 4);
        ProductCheck.Expected expected =
                ProductCheck.Expected.product(weights.decoded(), 40 * 64, 40, 64, x.dequantized(), 6);
        float[] results = out.toArray(ValueLayout.JAVA_FLOAT);
        for (int i = 0; i < 3; i++) {
            int to = selection.output(i) * 40;
            int from = selection.input(i) * 40;
            expected.assertClose(from, 40, null, results, to, "selected row " + i);
        }
        for (int row : new int[] {0, 3, 4}) {
            assertTrue(Float.isNaN(results[row * 40]), "row " + row + " was not selected");
        }
    }

    @Test
    void quantizesByTheFormula() {
        ProductCheck.Activations x = ProductCheck.Activations.random(5, 96, 3);
        float[] values = x.floats().clone();
        Arrays.fill(values, 32, 64, 0);
        QuantizedRows rows = ProductCheck.Activations.quantize(Optional.empty(), values, 5, 96)
                .vectors();
        for (int block = 0; block < 5 * 3; block++) {
            float amax = 0;
            for (int i = 0; i < 32; i++) {
                amax = Math.max(amax, Math.abs(values[block * 32 + i]));
            }
            assertEquals(amax / 127, rows.scales[block]);
            float inverse = amax == 0 ? 0 : 127 / amax;
            int[] q = new int[32];
            for (int i = 0; i < 32; i++) {
                q[i] = (int) (values[block * 32 + i] * inverse + 128.5f) - 128;
                assertEquals(q[i], rows.integers[block * 32 + i]);
                int pair = rows.pairs[QuantizedRows.PAD + block * 16 + i / 4 * 2 + i % 2];
                assertEquals(q[i], i % 4 < 2 ? (short) pair : pair >> 16);
                pair = rows.blockPairs[QuantizedRows.PAD + block * 16 + i % 16];
                assertEquals(q[i], i < 16 ? (short) pair : pair >> 16);
            }
            assertEquals(Arrays.stream(q).sum() * rows.scales[block], rows.sums[block]);
            for (int half = 0; half < 2; half++) {
                int sum = Arrays.stream(q, half * 16, half * 16 + 16).sum();
                int pair = rows.pairSums[block];
                assertEquals(sum, half == 0 ? (short) pair : pair >> 16);
                assertEquals(sum * rows.scales[block], rows.halfSums[block * 2 + half]);
            }
        }
    }

    /** All bits of all integers 0 or 1 and activations at ±127: where sums are largest. */
    @ParameterizedTest
    @EnumSource
    void extremesDoNotOverflow(TileLayout layout) {
        TensorType type = TensorType.valueOf(layout.name());
        for (byte bits : new byte[] {0, -1, (byte) 0x80, 0x7f}) {
            WeightShape shape = new WeightShape("w", type, 1, 33, 512);
            RandomWeights weights = RandomWeights.filled(shape, bits);
            for (int pattern = 0; pattern < 4; pattern++) {
                float[] values = new float[5 * 512];
                for (int i = 0; i < values.length; i++) {
                    values[i] = (pattern == 0 || pattern == 2 && i % 2 == 0 || pattern == 3 && i % 4 < 2) ? 1 : -1;
                }
                ProductCheck.compare(weights, new ProductCheck.Activations(values, 5, 512), new int[] {1, 5});
            }
        }
    }
}
