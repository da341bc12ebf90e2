package dev.nibble.quant;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.nibble.GoldenData;
import dev.nibble.UnsupportedFeatureException;
import dev.nibble.gguf.TensorType;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Locale;
import java.util.Objects;
import java.util.Random;
import java.util.zip.CRC32;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class BlockFormatTest {
    private static final float POISON = Float.intBitsToFloat(0x7fc0dead);

    @ParameterizedTest
    @EnumSource(
            names = {"F64", "F32", "MXFP4"},
            mode = EnumSource.Mode.EXCLUDE)
    void decodesTheGoldenBlocksBitForBit(BlockFormat format) {
        String file = "dequant/" + format.name().toLowerCase(Locale.ROOT);
        byte[] blocks = GoldenData.bytes(GoldenData.path(file + ".q.bin"));
        float[] expected = GoldenData.floats(file + ".f32.bin");
        float[] actual = new float[expected.length];
        Arrays.fill(actual, POISON);
        format.decode(MemorySegment.ofArray(blocks), 0, actual, 0, actual.length);
        assertArrayEquals(bits(expected), bits(actual));
    }

    /** Blocks that ggml encoded, 4 rows of 512 values; the checksum is that of the floats that ggml decoded. */
    @ParameterizedTest
    @CsvSource({
        "BF16, f878bfea",
        "F16, 4d2e782f",
        "IQ1_M, 8d4e9a3e",
        "IQ1_S, 3de08252",
        "IQ2_S, 2bc60d95",
        "IQ2_XS, 6df895b8",
        "IQ2_XXS, b5aafedc",
        "IQ3_S, 4b3a8f47",
        "IQ3_XXS, 0e6a8820",
        "IQ4_NL, c551e657",
        "IQ4_XS, b4fb5422",
        "Q2_K, b8fd76bd",
        "Q3_K, b0b58f1e",
        "Q4_0, c59e6b74",
        "Q4_1, 86a4a204",
        "Q4_K, ab87e590",
        "Q5_0, c92f0326",
        "Q5_1, 53f7eda9",
        "Q5_K, 9b1097a0",
        "Q6_K, 03f80a50",
        "Q8_0, c92e5974",
        "TQ1_0, 34f848e5",
        "TQ2_0, 34f848e5",
    })
    void decodesTheSampleBlocksBitForBit(BlockFormat format, String checksum) throws IOException {
        byte[] blocks;
        try (InputStream in = getClass().getResourceAsStream(format.name().toLowerCase(Locale.ROOT) + ".blocks")) {
            blocks = Objects.requireNonNull(in).readAllBytes();
        }
        float[] values = new float[4 * 512];
        Arrays.fill(values, POISON);
        format.decode(MemorySegment.ofArray(blocks), 0, values, 0, values.length);
        ByteBuffer bytes = ByteBuffer.allocate(4 * values.length).order(ByteOrder.LITTLE_ENDIAN);
        bytes.asFloatBuffer().put(values);
        CRC32 crc = new CRC32();
        crc.update(bytes.array());
        assertEquals(checksum, "%08x".formatted(crc.getValue()));
    }

    @ParameterizedTest
    @EnumSource
    void decodesAnyRunOfBlocksAtAnyAddress(BlockFormat format) {
        // Long enough for several chunks; the odd offset proves that no alignment is needed.
        int blocks = 4096 / format.blockBytes() * 2 + 7;
        byte[] bytes = new byte[blocks * format.blockBytes()];
        new Random(format.ordinal()).nextBytes(bytes);
        float[] whole = new float[blocks * format.blockLength()];
        format.decode(MemorySegment.ofArray(bytes), 0, whole, 0, whole.length);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment odd = arena.allocate(bytes.length + 3L);
            MemorySegment.copy(MemorySegment.ofArray(bytes), 0, odd, 3, bytes.length);
            int first = 5;
            int count = (blocks - 6) * format.blockLength();
            float[] part = new float[count + 4];
            Arrays.fill(part, POISON);
            format.decode(odd, 3 + (long) first * format.blockBytes(), part, 2, count);
            int start = first * format.blockLength();
            assertArrayEquals(
                    bits(Arrays.copyOfRange(whole, start, start + count)),
                    bits(Arrays.copyOfRange(part, 2, 2 + count)));
            for (int i : new int[] {0, 1, count + 2, count + 3}) {
                assertEquals(Float.floatToRawIntBits(POISON), Float.floatToRawIntBits(part[i]), "index " + i);
            }
        }
    }

    @Test
    void everyMxfp4CodeHasTheValueOfTheSpecification() {
        byte[] block = new byte[17];
        float[] values = new float[32];
        for (int exponent = 0; exponent < 256; exponent++) {
            block[0] = (byte) exponent;
            for (int code = 0; code < 16; code++) {
                Arrays.fill(block, 1, 17, (byte) (code | (15 - code) << 4));
                BlockFormat.MXFP4.decode(MemorySegment.ofArray(block), 0, values, 0, 32);
                for (int i = 0; i < 32; i++) {
                    double expected = mxfp4(exponent, i < 16 ? code : 15 - code);
                    assertEquals((float) expected, values[i], "exponent " + exponent + ", code " + code);
                }
            }
        }
    }

    /** OCP Microscaling Formats 1.0, sections 5.3.3 and 5.4.1, in double arithmetic. */
    private static double mxfp4(int scale, int code) {
        if (scale == 255) {
            return Double.NaN;
        }
        int exponent = code >> 1 & 3;
        double mantissa = (code & 1) / 2.0;
        double magnitude = exponent == 0 ? mantissa : (1 + mantissa) * Math.pow(2, exponent - 1);
        return Math.pow(2, scale - 127) * (code >= 8 ? -magnitude : magnitude);
    }

    @Test
    void floatTypesDecodeTheirSpecialValues() {
        float[] special = {0f, -0f, Float.MIN_VALUE, -Float.MAX_VALUE, Float.POSITIVE_INFINITY, Float.NaN, 1.1f};
        for (BlockFormat format : new BlockFormat[] {BlockFormat.F32, BlockFormat.F64}) {
            MemorySegment blocks = MemorySegment.ofArray(new byte[special.length * format.blockBytes()]);
            format.encode(special, 0, special.length, blocks, 0);
            float[] decoded = new float[special.length];
            format.decode(blocks, 0, decoded, 0, decoded.length);
            assertArrayEquals(bits(special), bits(decoded), format.name());
        }
    }

    @Test
    void knowsWhichTypesCanBeDecoded() {
        for (BlockFormat format : BlockFormat.values()) {
            assertTrue(BlockFormat.isDecodable(format.type()));
            assertSame(format, BlockFormat.of(format.type()));
            assertEquals(format.name(), format.type().name());
        }
        assertFalse(BlockFormat.isDecodable(TensorType.I32));
        var e = assertThrows(UnsupportedFeatureException.class, () -> BlockFormat.of(TensorType.NVFP4));
        assertTrue(e.getMessage().contains("NVFP4") && e.getMessage().contains("MXFP4"), e.getMessage());
    }

    @Test
    void refusesWhatDoesNotFit() {
        MemorySegment blocks = MemorySegment.ofArray(new byte[36]);
        float[] values = new float[64];
        BlockFormat format = BlockFormat.Q4_0;
        assertThrows(IllegalArgumentException.class, () -> format.decode(blocks, 0, values, 0, 31));
        assertThrows(IndexOutOfBoundsException.class, () -> format.decode(blocks, 1, values, 0, 64));
        assertThrows(IndexOutOfBoundsException.class, () -> format.decode(blocks, -18, values, 0, 32));
        assertThrows(IndexOutOfBoundsException.class, () -> format.decode(blocks, 0, values, 33, 32));
        format.decode(blocks, 18, values, 32, 32);
        format.decode(blocks, 36, values, 64, 0);
    }

    private static int[] bits(float[] values) {
        int[] bits = new int[values.length];
        for (int i = 0; i < bits.length; i++) {
            bits[i] = Float.floatToRawIntBits(values[i]);
        }
        return bits;
    }
}
