package dev.nibble.device;

import dev.nibble.device.AttentionOperation.Attention;
import dev.nibble.device.AttentionOperation.WriteKv;
import dev.nibble.device.Operation.AddNorm;
import dev.nibble.device.Operation.ArgMax;
import dev.nibble.device.Operation.Embed;
import dev.nibble.device.Operation.Gate;
import dev.nibble.device.Operation.Gather;
import dev.nibble.device.Operation.Matmul;
import dev.nibble.device.Operation.Norm;
import dev.nibble.device.Operation.Product;
import dev.nibble.device.Operation.Quantize;
import dev.nibble.device.Operation.Rope;
import dev.nibble.gguf.TensorType;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** A small transformer as one step: what a device fuses must come out as if it did not. */
abstract class LayerContract extends DeviceContract {
    private static final int WIDTH = 256;
    private static final int HEADS = 4;
    private static final int KV_HEADS = 2;
    private static final int HEAD_SIZE = 64;
    private static final int HIDDEN = 512;
    private static final int VOCABULARY = 300;

    /** A prompt of five tokens, single ones, a prompt of three, none, another. */
    private static final int[] LIVES = {5, 1, 1, 3, 0, 1};

    /** The same for steps that were made for a single row. */
    private static final int[] SINGLE = {1, 1, 0, 1};

    LayerContract(Subject subject) {
        super(subject);
    }

    /** Products of floats: nothing is rounded between operations but to float32. */
    @Test
    void layersOfFloatWeights() {
        verify(1, LIVES.length, rig -> new Model(rig, TensorType.F16, NormKind.RMS, Activation.SILU, LIVES).record());
        verify(2, LIVES.length, rig -> new Model(rig, TensorType.F32, NormKind.LAYER, Activation.GELU, LIVES).record());
    }

    @Test
    void layersOfFloatWeightsForASingleRow() {
        verify(
                3,
                SINGLE.length,
                rig -> new Model(rig, TensorType.BF16, NormKind.RMS, Activation.SILU, SINGLE).record());
    }

    /**
     * With quantized weights a difference of one unit in the last place can bring a value to the other side of a half, so that
     * it is rounded to the next int8; that moves the inputs of the next layer by more, and so on. Noise of 1e-7 in the oracle
     * moves its own outputs here by up to 1e-4. A wrong fusion is off by 1.
     */
    @ParameterizedTest
    @EnumSource(
            value = TensorType.class,
            names = {"Q4_0", "Q4_K", "Q6_K", "IQ2_S"})
    void layersOfQuantizedWeights(TensorType type) {
        for (int[] lives : List.of(LIVES, SINGLE)) {
            verify(
                    4,
                    lives.length,
                    1e6 * tolerance(),
                    rig -> new Model(rig, type, NormKind.RMS, Activation.SILU, lives).record());
        }
    }

    /** One value of 256 that is rounded to the other int8 is an error of 2e-6. */
    private double oneRounding() {
        return 1e4 * tolerance();
    }

    @ParameterizedTest
    @EnumSource(
            value = TensorType.class,
            names = {"Q4_0", "Q5_1", "Q8_0", "Q3_K", "Q6_K", "IQ3_S"})
    void quantizedProductsOfWhatWasJustComputed(TensorType type) {
        for (int[] lives : List.of(LIVES, SINGLE)) {
            verify(5, lives.length, oneRounding(), rig -> {
                Model model = new Model(rig, type, NormKind.RMS, Activation.SILU, lives);
                Buffer delta = rig.input(model.rows, WIDTH);
                Buffer x = rig.output(model.rows, WIDTH);
                Buffer residual = rig.inPlace(model.rows, WIDTH);
                Buffer weight = model.weights(WIDTH);
                rig.add(new AddNorm(model.rows, NormKind.RMS, 1e-5f, delta, residual, weight, null, x));
                Buffer q = rig.output(model.rows, 96);
                Buffer k = rig.output(model.rows, 32);
                Buffer v = rig.output(model.rows, 33);
                model.matmul(model.rows, x, model.quantized(WIDTH), WIDTH, q, k, v);
            });
            verify(6, lives.length, oneRounding(), rig -> {
                Model model = new Model(rig, type, NormKind.RMS, Activation.GELU, lives);
                Buffer gate = rig.inPlace(model.rows, HIDDEN);
                rig.add(new Gate(model.rows, Activation.GELU, gate, rig.input(model.rows, HIDDEN), gate));
                Buffer out = rig.output(model.rows, WIDTH);
                model.matmul(model.rows, gate, model.quantized(HIDDEN), HIDDEN, out);
            });
        }
    }

    /** What lies between the products of an attention, in the order of a forward pass. */
    @ParameterizedTest
    @CsvSource({
        "F32, HALVES, false, 64",
        "F16, INTERLEAVED, false, 40",
        "Q8_0, HALVES, true, 64",
        "Q4_0, INTERLEAVED, true, 64",
        "F16, HALVES, true, 34"
    })
    void headsThatAreTurnedAndWritten(KvType type, RopeStyle style, boolean norms, int rotated) {
        verify(7, LIVES.length, rig -> {
            RowCount rows = rig.rows(5, LIVES);
            Buffer positions = rig.integers(rows, 1, (round, random) -> {
                int start = Arrays.stream(LIVES, 0, round).sum();
                return IntStream.range(start, start + 5).toArray();
            });
            Buffer slots = rig.integers(rows, 1, (round, random) -> new int[5]);
            Buffer pageTable = rig.integers(1, 2, (round, random) -> new int[] {1, -1});
            float[] turns = new float[rotated / 2];
            for (int i = 0; i < turns.length; i++) {
                turns[i] = (float) Math.pow(10_000, -2.0 * i / rotated);
            }
            Buffer frequencies = rig.floats(1, turns.length, (round, random) -> Rig.bits(turns));
            Buffer q = rig.inPlace(rows, HEADS * HEAD_SIZE);
            Buffer k = rig.inPlace(rows, KV_HEADS * HEAD_SIZE);
            Buffer v = rig.input(rows, KV_HEADS * HEAD_SIZE);
            for (Buffer x : List.of(q, k)) {
                if (norms) {
                    rig.add(new Norm(rows, NormKind.RMS, 1e-6f, x, rig.floats(1, HEAD_SIZE, 1), null, x));
                }
                rig.add(new Rope(rows, positions, x, HEAD_SIZE, style, frequencies, 1.25f));
            }
            KvPages cache = rig.cache(new KvLayout(KV_HEADS, HEAD_SIZE, HEAD_SIZE, type, type, 32), 3);
            rig.add(new WriteKv(rows, positions, slots, pageTable, k, v, cache));
            AttentionForm form = new AttentionForm(HEADS, 0.125f, 0, 0);
            Buffer out = rig.output(rows, HEADS * HEAD_SIZE);
            rig.add(new Attention(rows, positions, slots, pageTable, q, cache, form, null, out));
        });
    }

    /** Two layers between embedding and logits; positions go on from round to round. */
    private record Model(Rig rig, TensorType type, RowCount rows, NormKind norm, Activation activation, int[] lives) {
        Model(Rig rig, TensorType type, NormKind norm, Activation activation, int[] lives) {
            this(rig, type, rig.rows(Arrays.stream(lives).max().orElseThrow(), lives), norm, activation, lives);
        }

        void record() {
            int limit = rows.limit();
            Buffer positions = rig.integers(rows, 1, (round, random) -> {
                int start = Arrays.stream(lives, 0, round).sum();
                return IntStream.range(start, start + limit).toArray();
            });
            Buffer slots = rig.integers(rows, 1, (round, random) -> new int[limit]);
            Buffer pageTable = rig.integers(1, 2, (round, random) -> new int[] {1, -1});
            Buffer residual = rig.output(rows, WIDTH);
            Buffer x = between(WIDTH);
            Weight table = rig.weight(tableType(), WeightUse.TABLE, 1, VOCABULARY, WIDTH);
            rig.add(new Embed(rows, rig.indices(rows, VOCABULARY), table, residual));
            rig.add(new Norm(rows, norm, 1e-5f, residual, weights(WIDTH), null, x));
            for (int layer = 0; layer < 2; layer++) {
                attention(x, positions, slots, pageTable, residual);
                feedForward(x, residual);
            }
            RowCount last =
                    rig.rows(1, Arrays.stream(lives).map(n -> Math.min(n, 1)).toArray());
            Buffer indices = rig.integers(last, 1, (round, random) -> new int[] {lives[round] - 1});
            Buffer one = rig.between(ElementType.F32, last, WIDTH);
            rig.add(new Gather(last, x, indices, one));
            Buffer logits = rig.output(last, VOCABULARY);
            matmul(last, one, rig.between(ElementType.Q8, last, WIDTH), WIDTH, logits);
            if (type.blockLength() == 1) {
                rig.add(new ArgMax(last, logits, rig.integerOutput(last, 1)));
            }
        }

        private void attention(Buffer x, Buffer positions, Buffer slots, Buffer pageTable, Buffer residual) {
            Buffer q = between(HEADS * HEAD_SIZE);
            Buffer k = between(KV_HEADS * HEAD_SIZE);
            Buffer v = between(KV_HEADS * HEAD_SIZE);
            matmul(rows, x, quantized(WIDTH), WIDTH, q, k, v);
            Buffer qNorm = weights(HEAD_SIZE);
            rig.add(new Norm(rows, NormKind.RMS, 1e-6f, q, qNorm, null, q));
            rig.add(new Norm(rows, NormKind.RMS, 1e-6f, k, qNorm, null, k));
            float[] turns = new float[HEAD_SIZE / 2];
            for (int i = 0; i < turns.length; i++) {
                turns[i] = (float) Math.pow(10_000, -2.0 * i / HEAD_SIZE);
            }
            Buffer frequencies = rig.floats(1, turns.length, (round, random) -> Rig.bits(turns));
            rig.add(new Rope(rows, positions, q, HEAD_SIZE, RopeStyle.HALVES, frequencies, 1));
            rig.add(new Rope(rows, positions, k, HEAD_SIZE, RopeStyle.HALVES, frequencies, 1));
            KvPages cache = rig.cache(new KvLayout(KV_HEADS, HEAD_SIZE, HEAD_SIZE, KvType.F32, KvType.F32, 32), 3);
            rig.add(new WriteKv(rows, positions, slots, pageTable, k, v, cache));
            Buffer attended = between(HEADS * HEAD_SIZE);
            AttentionForm form = new AttentionForm(HEADS, 0.125f, 0, 0);
            rig.add(new Attention(rows, positions, slots, pageTable, q, cache, form, null, attended));
            Buffer delta = between(WIDTH);
            matmul(rows, attended, quantized(HEADS * HEAD_SIZE), HEADS * HEAD_SIZE, delta);
            rig.add(new AddNorm(rows, norm, 1e-5f, delta, residual, weights(WIDTH), null, x));
        }

        private void feedForward(Buffer x, Buffer residual) {
            Buffer gate = between(HIDDEN);
            Buffer up = between(HIDDEN);
            matmul(rows, x, quantized(WIDTH), WIDTH, gate, up);
            rig.add(new Gate(rows, activation, gate, up, gate));
            Buffer delta = between(WIDTH);
            matmul(rows, gate, quantized(HIDDEN), HIDDEN, delta);
            rig.add(new AddNorm(rows, norm, 1e-5f, delta, residual, weights(WIDTH), null, x));
        }

        private void matmul(RowCount rows, Buffer x, Buffer quantized, int columns, Buffer... outputs) {
            List<Product> products = Arrays.stream(outputs)
                    .map(out -> {
                        Weight weight = rig.weight(type, WeightUse.MATRIX, 1, out.width(), columns);
                        return new Product(weight, outputs.length == 3 ? weights(out.width()) : null, out);
                    })
                    .toList();
            boolean floats = products.getFirst().weight().shape().takesFloats();
            if (!floats) {
                rig.add(new Quantize(rows, x, quantized));
            }
            rig.add(new Matmul(rows, x, floats ? null : quantized, products));
        }

        private TensorType tableType() {
            return type == TensorType.Q6_K ? TensorType.Q4_K : type;
        }

        private Buffer between(int width) {
            return rig.between(ElementType.F32, rows, width);
        }

        private Buffer quantized(int width) {
            return rig.between(ElementType.Q8, rows, width);
        }

        private Buffer weights(int width) {
            return rig.floats(1, width, 1);
        }
    }
}
