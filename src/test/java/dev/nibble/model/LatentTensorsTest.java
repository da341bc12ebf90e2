package dev.nibble.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.nibble.device.WeightShape;
import dev.nibble.device.WeightSource;
import dev.nibble.gguf.Metadata;
import dev.nibble.gguf.TensorType;
import dev.nibble.quant.BlockFormat;
import java.lang.foreign.MemorySegment;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Each value of a tensor tells its row and column, so that it shows where it came from. */
class LatentTensorsTest {
    private static final int HEADS = 3;
    private static final int PLAIN = 32;
    private static final int TURNED = 16;
    private static final int VALUES = 8;
    private static final int RANK = 64;
    private static final int WIDTH = 96;

    private final Map<String, WeightSource> file = new HashMap<>();
    private final LatentTensors tensors = new LatentTensors(config(0), this::find, IllegalStateException::new);

    private static ModelConfig config(int queryRank) {
        String prefix = "deepseek2.";
        return ModelConfig.of(
                Metadata.builder()
                        .string("general.architecture", "deepseek2")
                        .uint32(prefix + "context_length", 16)
                        .uint32(prefix + "embedding_length", WIDTH)
                        .uint32(prefix + "block_count", 1)
                        .uint32(prefix + "feed_forward_length", 64)
                        .uint32(prefix + "attention.head_count", HEADS)
                        .uint32(prefix + "attention.key_length", PLAIN + TURNED)
                        .uint32(prefix + "attention.value_length", VALUES)
                        .uint32(prefix + "attention.kv_lora_rank", RANK)
                        .uint32(prefix + "attention.q_lora_rank", queryRank)
                        .uint32(prefix + "rope.dimension_count", TURNED)
                        .float32(prefix + "attention.layer_norm_rms_epsilon", 1e-5f)
                        .build(),
                10);
    }

    private Optional<WeightSource> find(String name, TensorRole.Shape shape, int matrices) {
        WeightSource source = file.get(name);
        if (source != null) {
            assertEquals(
                    shape,
                    new TensorRole.Shape(source.shape().rows(), source.shape().columns()),
                    name);
            assertEquals(matrices, source.shape().matrices(), name);
        }
        return Optional.ofNullable(source);
    }

    /** Value (row, column) is row + column / 128. */
    private void put(String name, TensorType type, int matrices, int rows, int columns) {
        WeightShape shape = new WeightShape(name, type, matrices, rows, columns);
        float[] values = new float[(int) shape.values()];
        for (int i = 0; i < values.length; i++) {
            values[i] = i / columns + i % columns / 128f;
        }
        MemorySegment all = MemorySegment.ofArray(new byte[(int) shape.bytes()]);
        BlockFormat.of(type).encode(values, 0, values.length, all, 0);
        file.put(name, new WeightSource() {
            @Override
            public WeightShape shape() {
                return shape;
            }

            @Override
            public MemorySegment rows(long firstRow, int count) {
                return all.asSlice(firstRow * shape.rowBytes(), count * shape.rowBytes());
            }
        });
    }

    /** Rows read one by one, and three at a time across heads. */
    private static void verify(WeightSource source, RowOf wanted) {
        int rows = source.shape().matrices() * source.shape().rows();
        for (int first = 0; first < rows; first++) {
            int count = first % 2 == 0 ? 1 : Math.min(3, rows - first);
            float[] values = new float[count * source.shape().columns()];
            BlockFormat.of(source.shape().type()).decode(source.rows(first, count), 0, values, 0, values.length);
            for (int i = 0; i < values.length; i++) {
                int row = first + i / source.shape().columns();
                assertEquals(wanted.value(row, i % source.shape().columns()), values[i], "row " + row);
            }
        }
    }

    private interface RowOf {
        float value(int row, int column);
    }

    @Test
    void queriesAndKeysAreTakenApart() {
        put("blk.0.attn_q.weight", TensorType.F32, 1, HEADS * (PLAIN + TURNED), WIDTH);
        put("blk.0.attn_kv_a_mqa.weight", TensorType.F32, 1, RANK + TURNED, WIDTH);
        int period = PLAIN + TURNED;
        verify(
                tensors.tensor(TensorRole.QUERY_PLAIN, 0),
                (row, column) -> row / PLAIN * period + row % PLAIN + column / 128f);
        verify(
                tensors.tensor(TensorRole.QUERY_TURNED, 0),
                (row, column) -> row / TURNED * period + PLAIN + row % TURNED + column / 128f);
        verify(tensors.tensor(TensorRole.LATENT, 0), (row, column) -> row + column / 128f);
        verify(tensors.tensor(TensorRole.KEY_TURNED, 0), (row, column) -> RANK + row + column / 128f);
    }

    @ParameterizedTest
    @EnumSource(names = {"F32", "F16", "BF16"})
    void matricesOfHeadsAreTakenApartAndThoseOfKeysTurnedRound(TensorType type) {
        int period = PLAIN + VALUES;
        put("blk.0.attn_kv_b.weight", type, 1, HEADS * period, RANK);
        WeightSource whole = file.get("blk.0.attn_kv_b.weight");
        float[] values = new float[HEADS * period * RANK];
        BlockFormat.of(type).decode(whole.rows(0, HEADS * period), 0, values, 0, values.length);
        WeightSource turned = tensors.tensor(TensorRole.QUERY_TO_LATENT, 0);
        assertEquals(
                type == TensorType.F16 ? TensorType.F16 : TensorType.F32,
                turned.shape().type());
        verify(turned, (row, column) -> values[(row / RANK * period + column) * RANK + row % RANK]);
        verify(
                tensors.tensor(TensorRole.VALUE_UP, 0),
                (row, column) -> values[(row / VALUES * period + PLAIN + row % VALUES) * RANK + column]);
    }

    /** Those that make keys are rows of the file, or turned back where the file has them turned. */
    @ParameterizedTest
    @EnumSource(names = {"F32", "Q8_0"})
    void matricesThatMakeKeys(TensorType type) {
        put("blk.0.attn_kv_b.weight", type, 1, HEADS * (PLAIN + VALUES), RANK);
        WeightSource rows = tensors.tensor(TensorRole.KEY_UP, 0);
        assertEquals(new WeightShape("blk.0.attn_k_b.up.weight", type, HEADS, PLAIN, RANK), rows.shape());
        float[] values = decode(file.get("blk.0.attn_kv_b.weight"), HEADS * (PLAIN + VALUES));
        verify(rows, (row, column) -> values[(row / PLAIN * (PLAIN + VALUES) + row % PLAIN) * RANK + column]);
        put("blk.0.attn_k_b.weight", type, HEADS, RANK, PLAIN);
        float[] apart = decode(file.get("blk.0.attn_k_b.weight"), HEADS * RANK);
        verify(
                tensors.tensor(TensorRole.KEY_UP, 0),
                (row, column) -> apart[(row / PLAIN * RANK + column) * PLAIN + row % PLAIN]);
    }

    private static float[] decode(WeightSource source, int rows) {
        float[] values = new float[rows * source.shape().columns()];
        BlockFormat.of(source.shape().type()).decode(source.rows(0, rows), 0, values, 0, values.length);
        return values;
    }

    /** So are those of few bits, as 16-bit floats. */
    @Test
    void quantizedMatricesBecomeFloats() {
        put("blk.0.attn_kv_b.weight", TensorType.Q4_0, 1, HEADS * (PLAIN + VALUES), RANK);
        WeightShape turned = tensors.tensor(TensorRole.QUERY_TO_LATENT, 0).shape();
        assertEquals(new WeightShape("blk.0.attn_k_b.weight", TensorType.F16, HEADS, RANK, PLAIN), turned);
        assertEquals(
                TensorType.Q4_0, tensors.tensor(TensorRole.VALUE_UP, 0).shape().type());
    }

    @Test
    void matricesThatAreApartInTheFileAreTakenAsTheyAre() {
        put("blk.0.attn_k_b.weight", TensorType.Q8_0, HEADS, RANK, PLAIN);
        put("blk.0.attn_v_b.weight", TensorType.Q8_0, HEADS, VALUES, RANK);
        assertSame(file.get("blk.0.attn_k_b.weight"), tensors.tensor(TensorRole.QUERY_TO_LATENT, 0));
        assertSame(file.get("blk.0.attn_v_b.weight"), tensors.tensor(TensorRole.VALUE_UP, 0));
    }

    @Test
    void namesTheTensorOfTheFileThatIsMissing() {
        assertEquals("blk.0.attn_q.weight", missing(tensors, TensorRole.QUERY_PLAIN));
        assertEquals("blk.0.attn_kv_b.weight", missing(tensors, TensorRole.VALUE_UP));
        LatentTensors low = new LatentTensors(config(48), this::find, IllegalStateException::new);
        assertEquals("blk.0.attn_q_b.weight", missing(low, TensorRole.QUERY_TURNED));
    }

    private static String missing(LatentTensors tensors, TensorRole role) {
        return assertThrows(IllegalStateException.class, () -> tensors.tensor(role, 0))
                .getMessage();
    }
}
