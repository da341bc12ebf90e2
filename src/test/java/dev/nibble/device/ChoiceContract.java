package dev.nibble.device;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.nibble.device.Operation.Advance;
import dev.nibble.device.Operation.ArgMax;
import dev.nibble.device.Operation.TopK;
import java.util.Arrays;
import java.util.List;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** ArgMax and TopK: what the next token is chosen from; Advance: how a step begins with it. */
abstract class ChoiceContract extends DeviceContract {
    ChoiceContract(Subject subject) {
        super(subject);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 7, 31, 33, 255, 257, 4099})
    void argMaxOfRandomValues(int width) {
        verify(width, 4, rig -> {
            RowCount rows = rig.rows(6, 6, 1, 0, 5);
            rig.add(new ArgMax(rows, rig.input(rows, width), rig.integerOutput(rows, 1)));
        });
    }

    /** The lower place wins among equals, wherever the two are, and with infinities too. */
    @Test
    void argMaxOfTies() {
        int width = 133;
        verify(7, 40, rig -> {
            int[] lives = new int[40];
            Arrays.fill(lives, 3);
            RowCount rows = rig.rows(3, lives);
            Buffer x = rig.floats(3, width, (round, random) -> {
                float[] values = new float[3 * width];
                Arrays.fill(values, 0, width, -5);
                Arrays.fill(values, 2 * width, 3 * width, Float.NEGATIVE_INFINITY);
                values[random.nextInt(width)] = -1;
                values[random.nextInt(width)] = -1;
                values[width + random.nextInt(width)] = Float.POSITIVE_INFINITY;
                values[width + random.nextInt(width)] = Float.POSITIVE_INFINITY;
                return Rig.bits(values);
            });
            rig.add(new ArgMax(rows, x, rig.integerOutput(rows, 1)));
        });
    }

    /** With and without tokens, for few rows and for many. */
    @Test
    void advanceOfSomeRows() {
        verify(9, 5, rig -> {
            RowCount few = rig.rows(6, 6, 1, 0, 5, 3);
            rig.add(new Advance(few, rig.integersInPlace(few, 1), rig.indices(few, 99), rig.integerOutput(few, 1)));
            RowCount many = rig.rows(1100, 1100, 1, 1025, 0, 1023);
            rig.add(new Advance(many, rig.integersInPlace(many, 1), null, null));
            rig.add(new Advance(many, rig.integersInPlace(many, 1), rig.indices(many, 99), rig.integerOutput(many, 1)));
        });
    }

    /** After an argmax, of its tokens, of none, of other tokens and of other rows. */
    @Test
    void advanceWithWhatWasFound() {
        verify(10, 5, rig -> {
            for (int kind = 0; kind < 4; kind++) {
                RowCount rows = rig.rows(6, 6, 1, 0, 5, 3);
                RowCount others = kind < 3 ? rows : rig.rows(6, 2, 0, 6, 5, 1);
                Buffer found = rig.integerOutput(rows, 1);
                Buffer chosen = kind == 1 ? null : kind == 2 ? rig.indices(rows, 99) : found;
                Buffer ids = kind == 1 ? null : rig.integerOutput(others, 1);
                rig.add(new ArgMax(rows, rig.input(rows, 130), found));
                rig.add(new Advance(
                        others, rig.integersInPlace(others, 1), kind < 3 ? chosen : null, kind < 3 ? ids : null));
            }
        });
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 7, 31, 33, 255, 257, 4099})
    void topKOfRandomValues(int width) {
        int most = Math.min(width, TopK.MOST);
        for (int k : new TreeSet<>(List.of(1, Math.min(2, most), Math.min(40, most), most / 2 + 1, most - most / 7))) {
            verify(k, 4, rig -> {
                RowCount rows = rig.rows(6, 6, 1, 0, 5);
                rig.add(new TopK(rows, rig.input(rows, width), rig.integerOutput(rows, k), rig.output(rows, k)));
            });
        }
    }

    /** All k from one to all of a row, and the most that there can be, in rows that rise, fall, and have few different values. */
    @Test
    void topKOfEveryCount() {
        for (int k = 1; k <= 40; k++) {
            topKOfPatterns(k, 40);
        }
        for (int k : new int[] {31, 32, 33, 64, 127, 255, TopK.MOST}) {
            topKOfPatterns(k, 777);
        }
    }

    private void topKOfPatterns(int k, int width) {
        verify(k, 1, rig -> {
            RowCount rows = rig.rows(4, 4);
            Buffer x = rig.floats(4, width, (round, random) -> {
                float[] values = new float[4 * width];
                for (int i = 0; i < width; i++) {
                    values[i] = i - width / 2;
                    values[width + i] = width / 2 - i;
                    values[2 * width + i] = random.nextInt(3) - 1.5f;
                    values[3 * width + i] = -7;
                }
                return Rig.bits(values);
            });
            rig.add(new TopK(rows, x, rig.integerOutput(rows, k), rig.output(rows, k)));
        });
    }

    /** NaN before all numbers, minus zero equal to zero, the lower place first among equals. */
    @Test
    void topKOfNanAndInfinities() throws Exception {
        float nan = Float.intBitsToFloat(0xffc0_1234);
        float inf = Float.POSITIVE_INFINITY;
        float[] row = {-0f, -inf, 3, inf, 0, nan, Float.MIN_VALUE, -inf, inf, -2, -0f, Float.NaN, -Float.MAX_VALUE, 3};
        int[] order = {5, 11, 3, 8, 2, 13, 6, 0, 4, 10, 9, 12, 1, 7};
        for (int k = 1; k <= row.length; k++) {
            int count = k;
            try (Rig rig = new Rig(device(), k)) {
                RowCount rows = rig.rows(1, 1);
                Buffer x = rig.floats(1, row.length, (round, random) -> Rig.bits(row));
                rig.add(new TopK(rows, x, rig.integerOutput(rows, count), rig.output(rows, count)));
                List<Rig.Output> outputs = rig.run(1);
                assertArrayEquals(
                        Arrays.copyOf(order, k), Arrays.copyOf(outputs.get(0).after(), k));
                for (int i = 0; i < k; i++) {
                    float value = Float.intBitsToFloat(outputs.get(1).after()[i]);
                    assertEquals(row[order[i]] + 0f, value + 0f, "value " + i + " of " + k);
                }
            }
        }
    }
}
