package dev.nibble.device;

import dev.nibble.device.Operation.AddNorm;
import dev.nibble.device.Operation.Embed;
import dev.nibble.device.Operation.Gate;
import dev.nibble.device.Operation.Gather;
import dev.nibble.device.Operation.Hadamard;
import dev.nibble.device.Operation.Norm;
import dev.nibble.device.Operation.Rope;
import dev.nibble.gguf.TensorType;
import dev.nibble.quant.BlockFormat;
import java.util.Arrays;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Embed, Gather, Norm, AddNorm, Rope and Gate: what works on each row by itself. */
abstract class RowContract extends DeviceContract {
    private static final int[] WIDTHS = {1, 7, 31, 33, 255, 257, 1024};

    RowContract(Subject subject) {
        super(subject);
    }

    static Stream<TensorType> types() {
        return Arrays.stream(BlockFormat.values()).map(BlockFormat::type).filter(type -> type != TensorType.F64);
    }

    @ParameterizedTest
    @MethodSource("types")
    void embedsFromEveryType(TensorType type) {
        int width = type.blockLength() == 1 ? 33 : Math.max(64, type.blockLength());
        verify(1, 4, rig -> {
            RowCount rows = rig.rows(9, 9, 1, 0, 8);
            Weight table = rig.weight(type, WeightUse.TABLE, 1, 37, width);
            rig.add(new Embed(rows, rig.indices(rows, 37), table, rig.output(rows, width)));
        });
    }

    @Test
    void embedsTheFirstAndTheLastToken() {
        verify(2, 1, rig -> {
            RowCount rows = rig.rows(3, 3);
            Buffer ids = rig.integers(3, 1, (round, random) -> new int[] {256, 0, 256});
            rig.add(new Embed(
                    rows, ids, rig.weight(TensorType.Q4_0, WeightUse.TABLE, 1, 257, 32), rig.output(rows, 32)));
        });
    }

    @Test
    void gathersRows() {
        for (int width : WIDTHS) {
            verify(width, 4, rig -> {
                RowCount rows = rig.rows(5, 5, 1, 0, 3);
                Buffer source = rig.floats(11, width, 1);
                rig.add(new Gather(rows, source, rig.indices(rows, 11), rig.output(rows, width)));
            });
        }
    }

    @ParameterizedTest
    @EnumSource(NormKind.class)
    void normsOfRows(NormKind kind) {
        for (int width : WIDTHS) {
            verify(width, 4, rig -> {
                RowCount rows = rig.rows(7, 7, 1, 0, 5);
                Buffer bias = width % 2 == 0 ? null : rig.floats(1, width, 1);
                Buffer x = rig.input(rows, width);
                rig.add(new Norm(rows, kind, 0.25f, x, rig.floats(1, width, 1), bias, rig.output(rows, width)));
            });
        }
    }

    @ParameterizedTest
    @EnumSource(NormKind.class)
    void normsOfHeadsInPlace(NormKind kind) {
        for (int width : new int[] {1, 7, 33, 64, 128}) {
            verify(width, 3, rig -> {
                RowCount rows = rig.rows(6, 6, 1, 3);
                Buffer x = rig.inPlace(rows, 5 * width);
                Buffer bias = width % 2 == 0 ? null : rig.floats(1, width, 1);
                rig.add(new Norm(rows, kind, 1e-5f, x, rig.floats(1, width, 1), bias, x));
            });
        }
    }

    /** Layer norm of values far from zero: the mean must be taken off before squaring. */
    @Test
    void layerNormOfAlmostEqualValues() {
        verify(3, 1, rig -> {
            RowCount rows = rig.rows(3, 3);
            float[] values = new float[3 * 512];
            for (int i = 0; i < values.length; i++) {
                values[i] = 512 + (float) Math.sin(i) / 2;
            }
            Buffer x = rig.floats(3, 512, (round, random) -> Rig.bits(values));
            Buffer weight = rig.floats(1, 512, 1);
            rig.add(new Norm(rows, NormKind.LAYER, 1e-5f, x, weight, null, rig.output(rows, 512)));
        });
    }

    @ParameterizedTest
    @EnumSource(NormKind.class)
    void addsThenNorms(NormKind kind) {
        for (int width : WIDTHS) {
            verify(width, 4, rig -> {
                RowCount rows = rig.rows(7, 7, 1, 0, 5);
                Buffer delta = rig.input(rows, width);
                Buffer residual = rig.inPlace(rows, width);
                Buffer bias = width % 2 == 0 ? null : rig.floats(1, width, 1);
                Buffer weight = rig.floats(1, width, 1);
                rig.add(new AddNorm(rows, kind, 0.25f, delta, residual, weight, bias, rig.output(rows, width)));
            });
        }
    }

    @ParameterizedTest
    @EnumSource(RopeStyle.class)
    void ropeOfWholeAndPartialHeads(RopeStyle style) {
        int[][] heads = {{2, 2}, {32, 32}, {64, 64}, {96, 96}, {128, 32}, {80, 20}, {33, 32}, {7, 2}};
        for (int[] head : heads) {
            verify(head[0], 4, rig -> rope(rig, style, 3, head[0], head[1], 1, 160));
        }
    }

    @ParameterizedTest
    @EnumSource(RopeStyle.class)
    void ropeFarAlongAndScaled(RopeStyle style) {
        verify(4, 4, rig -> rope(rig, style, 2, 128, 128, 1.37f, 131_072));
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 4, 8, 16, 32, 64, 128, 256})
    void hadamardTransforms(int size) {
        for (int groups : new int[] {1, 3, 16}) {
            verify(size, 4, rig -> {
                RowCount rows = rig.rows(5, 5, 1, 0, 4);
                rig.add(new Hadamard(rows, rig.inPlace(rows, groups * size), size));
            });
        }
    }

    private static void rope(
            Rig rig, RopeStyle style, int heads, int headSize, int rotated, float magnitude, int positions) {
        RowCount rows = rig.rows(5, 5, 1, 0, 4);
        float[] frequencies = new float[rotated / 2];
        for (int i = 0; i < frequencies.length; i++) {
            frequencies[i] = (float) Math.pow(10_000, -2.0 * i / rotated);
        }
        Buffer table = rig.floats(1, frequencies.length, (round, random) -> Rig.bits(frequencies));
        Buffer x = rig.inPlace(rows, heads * headSize);
        rig.add(new Rope(rows, rig.indices(rows, positions), x, headSize, style, table, magnitude));
    }

    @ParameterizedTest
    @EnumSource(Activation.class)
    void gates(Activation activation) {
        for (int width : WIDTHS) {
            verify(width, 4, rig -> {
                RowCount rows = rig.rows(7, 7, 1, 0, 5);
                Buffer gate = rig.floats(7, width, 3);
                rig.add(new Gate(rows, activation, gate, rig.input(rows, width), rig.output(rows, width)));
            });
        }
    }

    @ParameterizedTest
    @EnumSource(Activation.class)
    void gatesInPlace(Activation activation) {
        verify(5, 3, rig -> {
            RowCount rows = rig.rows(7, 7, 1, 5);
            Buffer gate = rig.inPlace(rows, 257);
            rig.add(new Gate(rows, activation, gate, rig.input(rows, 257), gate));
            Buffer up = rig.inPlace(rows, 257);
            rig.add(new Gate(rows, activation, rig.input(rows, 257), up, up));
        });
    }

    /** Far from zero the activations are 0 or the value itself, never NaN. */
    @ParameterizedTest
    @EnumSource(Activation.class)
    void gatesOfExtremeValues(Activation activation) {
        verify(6, 1, rig -> {
            RowCount rows = rig.rows(1, 1);
            int[] extremes = Rig.bits(-1e30f, -1000, -89, -88, -20, -1e-6f, 0, 1e-20f, 20, 88, 89, 1000, 1e30f);
            Buffer gate = rig.floats(1, extremes.length, (round, random) -> extremes);
            float[] ups = new float[extremes.length];
            for (int i = 0; i < ups.length; i++) {
                ups[i] = (float) (1 / Math.max(1, Math.abs(Float.intBitsToFloat(extremes[i]))));
            }
            Buffer up = rig.floats(1, extremes.length, (round, random) -> Rig.bits(ups));
            rig.add(new Gate(rows, activation, gate, up, rig.output(rows, extremes.length)));
        });
    }
}
