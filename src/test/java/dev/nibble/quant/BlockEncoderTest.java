package dev.nibble.quant;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.nibble.UnsupportedFeatureException;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.Objects;
import java.util.Random;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

class BlockEncoderTest {
    static Stream<BlockFormat> encodable() {
        return Arrays.stream(BlockFormat.values()).filter(BlockFormat::isEncodable);
    }

    static Stream<BlockFormat> lossy() {
        return encodable().filter(format -> format.blockBytes() < 4 * format.blockLength());
    }

    /** The file's figures are those of ggml's encoders on the same rows, rounded to six digits. */
    @ParameterizedTest
    @MethodSource("lossy")
    void losesNoMoreThanGgml(BlockFormat format) {
        float[] source = sample("source.f32.bin");
        double error = relativeError(source, decode(format, encode(format, source)), null);
        double limit = errorOfGgml(format, 2);
        assertTrue(error <= limit, () -> format + ": " + error + " against " + limit);
    }

    @ParameterizedTest
    @MethodSource("lossy")
    void losesNoMoreThanGgmlWhereItMatters(BlockFormat format) {
        float[] source = sample("source.f32.bin");
        float[] importance = sample("importance.f32.bin");
        float[] decoded = decode(format, encode(format, source, importance));
        double error = relativeError(source, decoded, importance);
        double limit = errorOfGgml(format, 3);
        assertTrue(error <= limit, () -> format + ": " + error + " against " + limit);
        double unaware = relativeError(source, decode(format, encode(format, source)), importance);
        assertTrue(error <= unaware * 1.0001, () -> format + ": " + error + ", but " + unaware + " without importance");
    }

    /** Only ratios count, and columns that never met an activation are still encoded with care. */
    @ParameterizedTest
    @MethodSource("lossy")
    void importanceMayBeOfAnySizeAndZero(BlockFormat format) {
        float[] source = sample("source.f32.bin");
        float[] importance = sample("importance.f32.bin");
        byte[] expected = encode(format, source, importance);
        for (float factor : new float[] {0x1p-100f, 0x1p+100f}) {
            float[] scaled = importance.clone();
            for (int i = 0; i < scaled.length; i++) {
                scaled[i] *= factor;
            }
            assertArrayEquals(expected, encode(format, source, scaled), "times " + factor);
        }
        assertArrayEquals(encode(format, source), encode(format, source, new float[importance.length]));
        float[] half = importance.clone();
        Arrays.fill(half, half.length / 2, half.length, 0);
        float[] decoded = decode(format, encode(format, source, half));
        double whole = relativeError(source, decode(format, encode(format, source)), null);
        assertTrue(relativeError(source, decoded, null) <= 1.5 * whole, format.name());
    }

    @Test
    void refusesWhatIsNoImportance() {
        float[] source = new float[64];
        for (float bad : new float[] {-1, Float.NaN, Float.POSITIVE_INFINITY}) {
            float[] importance = new float[64];
            importance[40] = bad;
            var e = assertThrows(IllegalArgumentException.class, () -> encode(BlockFormat.Q4_0, source, importance));
            assertTrue(e.getMessage().contains("value 40 is " + bad), e.getMessage());
        }
        assertThrows(IllegalArgumentException.class, () -> encode(BlockFormat.Q4_0, source, new float[48]));
    }

    /** What a block can express comes back exactly. */
    @ParameterizedTest
    @EnumSource(names = {"F16", "BF16", "Q8_0"})
    void keepsWhatItCanExpress(BlockFormat format) {
        Random random = new Random(7);
        float[] source = new float[7 * 32];
        for (int i = 0; i < source.length; i++) {
            // The farthest value of each 32 is 127 steps of a power of two.
            int q = i % 32 == 5 ? 127 : random.nextInt(-127, 128);
            source[i] = q * 0x1p-9f;
        }
        assertArrayEquals(source, decode(format, encode(format, source)));
    }

    @ParameterizedTest
    @MethodSource("encodable")
    void keepsZerosAndSigns(BlockFormat format) {
        float[] source = new float[3 * format.blockLength()];
        for (float value : decode(format, encode(format, source))) {
            assertEquals(0, Math.abs(value), format + " of zeros");
        }
        for (float sign : new float[] {1, -1}) {
            Arrays.fill(source, sign * 0.75f);
            for (float value : decode(format, encode(format, source))) {
                assertEquals(sign * 0.75f, value, 0.02f, format.name());
            }
        }
    }

    /**
     * Least squares may clip what is farthest from zero, but no value may stray farther than the step between two numbers, a
     * little widened by what the rounded scales of groups add.
     */
    @ParameterizedTest
    @MethodSource("lossy")
    void staysNearEveryValue(BlockFormat format) {
        Random random = new Random(format.ordinal());
        float[] source = new float[8 * format.blockLength()];
        for (int i = 0; i < source.length; i++) {
            source[i] = random.nextFloat(-1, 1);
        }
        float[] decoded = decode(format, encode(format, source));
        float step = switch (format) {
            case F16, BF16 -> 0.004f;
            case Q8_0 -> 1 / 127f;
            case Q6_K -> 1 / 31f;
            case Q5_0, Q5_1, Q5_K -> 2 / 31f;
            case Q4_0, Q4_1, Q4_K, IQ4_NL -> 2 / 15f;
            case Q3_K -> 2 / 7f;
            case IQ4_XS -> 2 / 11f;
            case Q2_K -> 2 / 3f;
            default -> throw new AssertionError(format);
        };
        step *= 1.1f;
        for (int i = 0; i < source.length; i++) {
            assertEquals(source[i], decoded[i], step, format + " at " + i);
        }
    }

    @ParameterizedTest
    @MethodSource("encodable")
    void writesOnlyItsBlocksAndTheSameWhateverTheChunks(BlockFormat format) {
        int blocks = 2 * 4096 / format.blockLength() + 3;
        float[] source = new float[blocks * format.blockLength()];
        Random random = new Random(1);
        for (int i = 0; i < source.length; i++) {
            source[i] = (float) random.nextGaussian();
        }
        byte[] whole = encode(format, source);
        byte[] target = new byte[whole.length + 6];
        Arrays.fill(target, (byte) 0xa5);
        for (int b = 0; b < blocks; b++) {
            long offset = 3 + (long) b * format.blockBytes();
            int count = format.blockLength();
            format.encode(source, b * count, count, MemorySegment.ofArray(target), offset);
        }
        assertArrayEquals(whole, Arrays.copyOfRange(target, 3, 3 + whole.length));
        for (int i : new int[] {0, 1, 2, whole.length + 3, whole.length + 4, whole.length + 5}) {
            assertEquals((byte) 0xa5, target[i]);
        }
    }

    @Test
    void bf16RoundsTiesToEvenAndKeepsNaN() {
        int[] bits = {0x3f80_8000, 0x3f81_8000, 0x3f80_8001, 0x7f7f_ffff, 0x7f80_0001, 0xffff_ffff};
        int[] expected = {0x3f80, 0x3f82, 0x3f81, 0x7f80, 0x7fc0, 0xffff};
        for (int i = 0; i < bits.length; i++) {
            byte[] encoded = encode(BlockFormat.BF16, new float[] {Float.intBitsToFloat(bits[i])});
            int actual = MemorySegment.ofArray(encoded).get(ValueLayout.JAVA_SHORT_UNALIGNED, 0) & 0xffff;
            assertEquals(Integer.toHexString(expected[i]), Integer.toHexString(actual));
        }
    }

    @ParameterizedTest
    @MethodSource("lossy")
    void refusesScalesThatFloat16CannotHold(BlockFormat format) {
        if (format.blockLength() == 1) {
            return;
        }
        for (float bad : new float[] {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY, 3e38f}) {
            float[] values = new float[format.blockLength()];
            values[format.blockLength() / 2] = bad;
            var e = assertThrows(IllegalArgumentException.class, () -> encode(format, values), format + " of " + bad);
            assertTrue(e.getMessage().contains("float16"), e.getMessage());
        }
    }

    @Test
    void saysWhichTypesHaveAnEncoder() {
        EnumSet<BlockFormat> without = EnumSet.allOf(BlockFormat.class);
        encodable().forEach(without::remove);
        assertFalse(without.isEmpty());
        for (BlockFormat format : without) {
            float[] values = new float[format.blockLength()];
            var e = assertThrows(UnsupportedFeatureException.class, () -> encode(format, values));
            assertTrue(e.getMessage().contains(format.name()) && e.getMessage().contains("Q8_0"), e.getMessage());
        }
    }

    private static byte[] encode(BlockFormat format, float[] values) {
        return encode(format, values, null);
    }

    private static byte[] encode(BlockFormat format, float[] values, float @Nullable [] importance) {
        byte[] bytes = new byte[(int) format.type().rowBytes(values.length)];
        format.encode(values, 0, values.length, importance, MemorySegment.ofArray(bytes), 0);
        return bytes;
    }

    private static float[] decode(BlockFormat format, byte[] bytes) {
        float[] values = new float[bytes.length / format.blockBytes() * format.blockLength()];
        Arrays.fill(values, Float.NaN);
        format.decode(MemorySegment.ofArray(bytes), 0, values, 0, values.length);
        return values;
    }

    /** @param weights those of a row's values, which are the same for all rows */
    private static double relativeError(float[] source, float[] decoded, float @Nullable [] weights) {
        double error = 0;
        double norm = 0;
        for (int i = 0; i < source.length; i++) {
            double weight = weights == null ? 1 : weights[i % weights.length];
            double difference = source[i] - (double) decoded[i];
            error += weight * difference * difference;
            norm += weight * source[i] * source[i];
        }
        return Math.sqrt(error / norm);
    }

    private static double errorOfGgml(BlockFormat format, int column) {
        String csv = new String(resource("errors.csv"), StandardCharsets.UTF_8);
        double rounded = csv.lines()
                .map(line -> line.split(","))
                .filter(cells -> cells[0].equalsIgnoreCase(format.name()))
                .mapToDouble(cells -> Double.parseDouble(cells[column]))
                .findFirst()
                .orElseThrow();
        return rounded + 0.5e-6;
    }

    private static float[] sample(String name) {
        ByteBuffer bytes = ByteBuffer.wrap(resource(name)).order(ByteOrder.LITTLE_ENDIAN);
        float[] values = new float[bytes.remaining() / Float.BYTES];
        bytes.asFloatBuffer().get(values);
        return values;
    }

    private static byte[] resource(String name) {
        try (InputStream in = BlockEncoderTest.class.getResourceAsStream(name)) {
            return Objects.requireNonNull(in, name).readAllBytes();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
