package dev.nibble.device.cpu;

import static dev.nibble.device.cpu.WeightVectors.words;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;

/** Decodes small integer scales, four groups at a time, to floats, (group, row): a factor of the row times the integer. */
final class GroupScales {
    private static final int ROWS = PackedMatrix.TILE_ROWS;

    private GroupScales() {}

    /**
     * Signed bytes: byte i of the word is for group {@code group + i}.
     *
     * @param at where the words of the rows lie
     * @param factors (row), from {@code factorAt} on
     */
    static void fourBytes(MemorySegment tile, int at, float[] factors, int factorAt, float[] target, int group) {
        for (int row = 0; row < ROWS; row += Lanes.COUNT) {
            IntVector w = words(tile, at + row * Integer.BYTES);
            FloatVector factor = FloatVector.fromArray(Lanes.FLOATS, factors, factorAt + row);
            for (int i = 0; i < 4; i++) {
                IntVector scale = w.lanewise(VectorOperators.LSHL, 24 - 8 * i).lanewise(VectorOperators.ASHR, 24);
                store(scale, factor, target, (group + i) * ROWS + row);
            }
        }
    }

    /** Bytes whose low halves are scales, whose high halves are offsets; the factors of the offsets follow those of the scales. */
    static void fourNibbles(MemorySegment tile, int at, float[] factors, float[] scales, float[] offsets, int group) {
        for (int row = 0; row < ROWS; row += Lanes.COUNT) {
            IntVector w = words(tile, at + row * Integer.BYTES);
            FloatVector factor = FloatVector.fromArray(Lanes.FLOATS, factors, row);
            FloatVector offset = FloatVector.fromArray(Lanes.FLOATS, factors, ROWS + row);
            for (int i = 0; i < 4; i++) {
                int to = (group + i) * ROWS + row;
                IntVector scale = w.lanewise(VectorOperators.LSHL, 28 - 8 * i).lanewise(VectorOperators.LSHR, 28);
                store(scale, factor, scales, to);
                IntVector minimum = w.lanewise(VectorOperators.LSHL, 24 - 8 * i).lanewise(VectorOperators.LSHR, 28);
                store(minimum, offset, offsets, to);
            }
        }
    }

    /**
     * Six bits, less 32: four from bit {@code lowShift} of each byte of one word on, two above them from bit {@code highShift} of
     * each byte of another on.
     */
    static void fourOfSixBits(
            MemorySegment tile,
            int low,
            int lowShift,
            int high,
            int highShift,
            float[] factors,
            float[] target,
            int group) {
        for (int row = 0; row < ROWS; row += Lanes.COUNT) {
            IntVector l = words(tile, low + row * Integer.BYTES).lanewise(VectorOperators.LSHR, lowShift);
            IntVector h = words(tile, high + row * Integer.BYTES).lanewise(VectorOperators.LSHR, highShift);
            IntVector w = l.and(0x0f0f0f0f).or(h.and(0x03030303).lanewise(VectorOperators.LSHL, 4));
            FloatVector factor = FloatVector.fromArray(Lanes.FLOATS, factors, row);
            for (int i = 0; i < 4; i++) {
                IntVector scale = w.lanewise(VectorOperators.LSHL, 24 - 8 * i).lanewise(VectorOperators.LSHR, 24);
                store(scale.sub(32), factor, target, (group + i) * ROWS + row);
            }
        }
    }

    private static void store(IntVector scale, FloatVector factor, float[] target, int at) {
        ((FloatVector) scale.convert(VectorOperators.I2F, 0)).mul(factor).intoArray(target, at);
    }
}
