package dev.nibble.quant.affine;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Sums of channels on their way to int8, against decimals of any length. */
class ChannelScalesTest {
    @ParameterizedTest
    @ValueSource(ints = {1, 32, 33, 257, 4096, 33_155, 33_156, ChannelScales.MOST_COLUMNS})
    void sumsOfAllChannelsGetOneUnit(int columns) {
        float[] scales = {9, 0.01f, 0.02f, 1e-9f, 0.02f, Float.MIN_NORMAL, 0.0137f, 9};
        ChannelScales channels = new ChannelScales(scales, 1, 6, columns);
        int most = 255 * 127 * columns;
        Random random = new Random(columns);
        for (int channel = 0; channel < 6; channel++) {
            BigDecimal factor = new BigDecimal(FixedPointMultiplier.of(scales[1 + channel] / channels.unit())
                    .real());
            for (int i = 0; i < 1000; i++) {
                int sum = i == 0 ? most : i == 1 ? -most : random.nextInt(most) * (i % 2 * 2 - 1);
                int expected = new BigDecimal(sum)
                        .multiply(factor)
                        .add(new BigDecimal("0.5"))
                        .setScale(0, RoundingMode.FLOOR)
                        .intValueExact();
                int units = channels.toUnit(channel, sum);
                assertEquals(expected, units);
                int[] several = {7, sum, sum, 7};
                channels.toUnits(channel, several, 1, 1);
                assertArrayEquals(new int[] {7, units, sum, 7}, several);
                assertTrue(Math.abs((long) units) <= 1 << 30, units + " units");
                double real = (double) sum * scales[1 + channel];
                assertEquals(real, units * channels.unit(), 0.5001 * channels.unit() + 1e-9 * Math.abs(real));
            }
        }
        // The unit is as small as the longest sum allows.
        assertTrue(Math.abs((long) channels.toUnit(1, most)) > 1 << 28);
    }

    @Test
    void weightsOfZeroAloneHaveAUnitToo() {
        float[] scales = {Float.MIN_NORMAL, Float.MIN_NORMAL};
        assertEquals(0, new ChannelScales(scales, 0, 2, 64).toUnit(1, 0));
    }

    @Test
    void rowsTooLongForThirtyTwoBitsAreRefused() {
        int columns = ChannelScales.MOST_COLUMNS + 1;
        assertTrue(255L * 127 * columns > Integer.MAX_VALUE);
        assertThrows(IllegalArgumentException.class, () -> new ChannelScales(new float[] {1}, 0, 1, columns));
    }

    @Test
    void rowsAreRequantizedByTheirOwnRange() {
        Random random = new Random(1);
        for (int round = 0; round < 2000; round++) {
            int size = Integer.MAX_VALUE / 2 >> random.nextInt(31);
            int least = round % 5 == 0 ? 0 : -random.nextInt(size + 1);
            int greatest = round % 5 == 1 ? 0 : random.nextInt(size + 1);
            OutputScale scale = OutputScale.of(least, greatest, 0.001);
            BigDecimal factor = new BigDecimal(scale.multiplier().real());
            for (int i = 0; i < 20; i++) {
                int sum = i == 0 ? least : i == 1 ? greatest : random.nextInt(least, greatest + 1);
                int shifted = new BigDecimal(sum)
                        .multiply(factor)
                        .add(new BigDecimal("0.5"))
                        .setScale(0, RoundingMode.FLOOR)
                        .intValueExact();
                int expected = Math.clamp((long) shifted + scale.zeroPoint(), -128, 127);
                assertEquals(expected, scale.quantize(sum));
                double step = ((double) greatest - least) / 255 * 0.001;
                assertEquals(sum * 0.001, scale.requantize(sum), 1.0001 * step);
            }
            int[] sums = random.ints(9, least, greatest + 1).toArray();
            float[] values = new float[10];
            scale.requantize(sums, values, 9);
            for (int i = 0; i < 9; i++) {
                assertEquals(scale.requantize(sums[i]), values[i]);
            }
            assertEquals(0, values[9]);
            assertEquals(0, scale.requantize(0));
            assertTrue(greatest == least || scale.quantize(least) == -128, "the least integer means the least sum");
        }
    }

    @Test
    void theWidestRowUsesAllIntegers() {
        OutputScale scale = OutputScale.of(-(1 << 30), 1 << 30, 1);
        assertEquals(-128, scale.quantize(-(1 << 30)));
        assertEquals(127, scale.quantize(1 << 30));
        assertEquals(-128, scale.quantize(Integer.MIN_VALUE));
        assertEquals(127, scale.quantize(Integer.MAX_VALUE));
        OutputScale nothing = OutputScale.of(0, 0, 1);
        assertEquals(0, nothing.requantize(0));
        assertThrows(IllegalArgumentException.class, () -> OutputScale.of(1, 2, 1));
    }
}
