package dev.nibble.gguf;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.nibble.InvalidModelException;
import dev.nibble.UnsupportedFeatureException;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class GgufFileTest {
    private static final int F32 = TensorType.F32.id();
    private static final int Q8_0 = TensorType.Q8_0.id();

    @TempDir
    Path folder;

    private Path file(GgufBytes bytes) throws IOException {
        return Files.write(folder.resolve("model.gguf"), bytes.bytes());
    }

    private static GgufFile inMemory(GgufBytes bytes) {
        return GgufFile.of(Path.of("model.gguf"), MemorySegment.ofArray(bytes.bytes()));
    }

    /** The file is refused at this byte, with a message that says this. */
    private void refused(GgufBytes bytes, long offset, String message) throws IOException {
        Path path = file(bytes);
        InvalidModelException refusal = assertThrows(InvalidModelException.class, () -> GgufFile.open(path));
        assertTrue(refusal.getMessage().contains(message), refusal.getMessage());
        assertEquals(offset, refusal.offset(), refusal.getMessage());
        assertEquals(path, refusal.path());
    }

    @ParameterizedTest
    @ValueSource(ints = {2, 3})
    void readsVersions2And3(int version) throws IOException {
        GgufBytes bytes = GgufBytes.header(version, 2, 1)
                .key("general.architecture", MetadataType.STRING)
                .text("llama")
                .tensor("a", F32, 0, 3, 2)
                .tensor("b", Q8_0, 32, 32, 2, 3)
                .align(32)
                .raw("abcdefghijklmnopqrstuvwx")
                .align(32)
                .zeros(6 * 34);
        try (GgufFile file = GgufFile.open(file(bytes))) {
            assertEquals(version, file.version());
            assertEquals(folder.resolve("model.gguf"), file.path());
            assertEquals(bytes.size(), file.fileBytes());
            assertEquals("llama", file.metadata().requireString("general.architecture"));
            TensorInfo a = file.tensor("a");
            assertEquals(
                    List.of(3L, 2L, 1L, 6L, 24L),
                    List.of(a.columns(), a.rows(), a.matrices(), a.elements(), a.bytes()));
            assertEquals('a', file.data(a).get(ValueLayout.JAVA_BYTE, 0));
            assertEquals(24, file.data(a).byteSize());
            TensorInfo b = file.tensor("b");
            assertEquals(
                    List.of(32L, 2L, 3L, 192L, 204L),
                    List.of(b.columns(), b.rows(), b.matrices(), b.elements(), b.bytes()));
            assertEquals(204, file.data(b).byteSize());
            assertEquals(List.of(a, b), file.tensors());
        }
    }

    @Test
    void dataIsReadOnlyAndEndsWithTheFile() throws IOException {
        GgufFile file = GgufFile.open(
                file(GgufBytes.header(3, 1, 0).tensor("a", F32, 0, 1).align(32).zeros(4)));
        MemorySegment data = file.data(file.tensor("a"));
        assertThrows(IllegalArgumentException.class, () -> data.set(ValueLayout.JAVA_BYTE, 0, (byte) 1));
        file.close();
        file.close();
        assertThrows(IllegalStateException.class, () -> data.get(ValueLayout.JAVA_BYTE, 0));
    }

    @Test
    void namesTheMissingTensor() {
        try (GgufFile file = inMemory(GgufBytes.header(3, 0, 0))) {
            assertTrue(file.find("output.weight").isEmpty());
            InvalidModelException missing =
                    assertThrows(InvalidModelException.class, () -> file.tensor("output.weight"));
            assertTrue(missing.getMessage().contains("tensor output.weight is missing"), missing.getMessage());
            TensorInfo foreign = new TensorInfo("x", TensorType.F32, List.of(1L), 0, 0);
            assertThrows(IllegalArgumentException.class, () -> file.data(foreign));
        }
    }

    @Test
    void keepsInputOutputFaultsApart() {
        assertThrows(NoSuchFileException.class, () -> GgufFile.open(folder.resolve("none.gguf")));
        assertThrows(IOException.class, () -> GgufFile.open(folder));
    }

    @Test
    void readsBeyond2GiB() throws IOException {
        long large = (3L << 30) + 32;
        GgufBytes header = GgufBytes.header(3, 2, 0)
                .tensor("large", TensorType.I8.id(), 0, large)
                .tensor("last", TensorType.I8.id(), large, 1)
                .align(32);
        Path path = file(header);
        try (FileChannel channel = FileChannel.open(path, StandardOpenOption.WRITE)) {
            channel.write(ByteBuffer.wrap(new byte[] {42}), header.size() + large);
        }
        try (GgufFile file = GgufFile.open(path)) {
            assertEquals(large, file.data(file.tensor("large")).byteSize());
            assertEquals(42, file.data(file.tensor("last")).get(ValueLayout.JAVA_BYTE, 0));
        }
    }

    @Test
    void refusesWhatIsNoGguf() throws IOException {
        refused(new GgufBytes(), 0, "not a GGUF file: it has only 0 bytes");
        refused(new GgufBytes().raw("GG"), 0, "not a GGUF file: it has only 2 bytes");
        refused(new GgufBytes().raw("ggml").zeros(20), 0, "not a GGUF file: it begins with 0x67676d6c");
        refused(new GgufBytes().raw("GGUF").zeros(3), 4, "the file ends within the version");
        refused(GgufBytes.header(0, 0, 0), 4, "GGUF version 0");
        refused(GgufBytes.header(1, 0, 0), 4, "GGUF version 1");
        refused(GgufBytes.header(4, 0, 0), 4, "GGUF version 4; versions 2 and 3 are known");
        refused(GgufBytes.header(Integer.reverseBytes(3), 0, 0), 4, "a big-endian GGUF file");
        refused(new GgufBytes().raw("FUGG").zeros(20), 4, "a big-endian GGUF file");
    }

    @Test
    void refusesCountsThatTheFileCannotHold() throws IOException {
        refused(GgufBytes.header(3, 1, 0), 8, "the number of tensors is 1, but only 8 bytes");
        refused(GgufBytes.header(3, -1, 0).zeros(100), 8, "the number of tensors is 18446744073709551615");
        refused(
                GgufBytes.header(3, 0, Long.MAX_VALUE).zeros(100),
                16,
                "the number of metadata keys is 9223372036854775807");
        refused(
                GgufBytes.header(3, 0, 1).int64(1L << 40).zeros(100),
                24,
                "the length of metadata key 0 is 1099511627776");
        refused(
                GgufBytes.header(3, 0, 1)
                        .key("k", MetadataType.STRING)
                        .int64(-8)
                        .zeros(100),
                37,
                "the length of the string of metadata key k is 18446744073709551608");
        refused(
                GgufBytes.header(3, 0, 1)
                        .key("k", MetadataType.ARRAY)
                        .int32(10)
                        .int64(14)
                        .zeros(111),
                41,
                "the array length of metadata key k is 14, but only 111 bytes");
        refused(
                GgufBytes.header(3, 0, 1)
                        .key("k", MetadataType.ARRAY)
                        .int32(8)
                        .int64(2)
                        .text("a")
                        .int64(1),
                58,
                "the length of a string of metadata key k is 1, but only 0 bytes");
        refused(GgufBytes.header(3, 0, 1).key("k", MetadataType.UINT64).zeros(7), 37, "8 bytes wanted, 7 left");
    }

    @Test
    void refusesBadMetadata() throws IOException {
        GgufBytes twice = GgufBytes.header(3, 0, 2).key("k", MetadataType.UINT8).zeros(1);
        refused(twice.key("k", MetadataType.UINT8).zeros(1), 38, "metadata key k appears twice");
        refused(GgufBytes.header(3, 0, 1).key("", MetadataType.UINT64).int64(0), 24, "metadata key 0 is empty");
        refused(GgufBytes.header(3, 0, 1).text("k".repeat(65_536)).zeros(20), 24, "is 65536, the limit is 65535");
        refused(GgufBytes.header(3, 0, 1).text("\u00ff").zeros(20), 24, "are not UTF-8");
        refused(GgufBytes.header(3, 0, 1).text("k").int32(13).zeros(8), 33, "metadata key k has type number 13");
        refused(
                GgufBytes.header(3, 0, 1).key("k", MetadataType.BOOL).raw((byte) 2),
                37,
                "metadata key k holds a boolean of 2");
        refused(
                GgufBytes.header(3, 0, 1)
                        .key("k", MetadataType.ARRAY)
                        .int32(7)
                        .int64(3)
                        .raw((byte) 1, (byte) 0, (byte) -1),
                51,
                "metadata key k holds a boolean of 255");
        GgufBytes deep = GgufBytes.header(3, 0, 1).key("k", MetadataType.ARRAY);
        for (int i = 0; i < 10_000; i++) {
            deep.int32(MetadataType.ARRAY.id()).int64(1);
        }
        refused(deep, 37 + 8 * 12, "metadata key k nests arrays deeper than 8");
    }

    @Test
    void refusesBadAlignments() throws IOException {
        for (int alignment : new int[] {0, 3, 4, 48, -1}) {
            GgufBytes bytes = GgufBytes.header(3, 0, 1)
                    .key("general.alignment", MetadataType.UINT32)
                    .int32(alignment);
            refused(bytes, 49, "but a power of two is wanted");
        }
        GgufBytes wide = GgufBytes.header(3, 0, 1)
                .key("general.alignment", MetadataType.UINT64)
                .int64(32);
        refused(wide, 49, "general.alignment is of type uint64, but a uint32 is wanted");
    }

    @Test
    void refusesBadShapes() throws IOException {
        refused(
                GgufBytes.header(3, 1, 0).tensor("t", F32, 0, 1, 1, 1, 1, 1).zeros(64),
                33,
                "tensor t has 5 dimensions");
        refused(GgufBytes.header(3, 1, 0).tensor("t", F32, 0, -4).zeros(64), 24, "negative dimension");
        refused(GgufBytes.header(3, 1, 0).tensor("t", Q8_0, 0, 48).zeros(64), 24, "rows of 48 values");
        refused(GgufBytes.header(3, 1, 0).tensor("t", Q8_0, 0).zeros(64), 24, "rows of 1 values");
        refused(
                GgufBytes.header(3, 1, 0)
                        .tensor("t", F32, 0, 1L << 32, 1L << 31)
                        .zeros(64),
                24,
                "too large to count");
        refused(
                GgufBytes.header(3, 1, 0)
                        .tensor("t", F32, 0, 1L << 61, 1L << 61, 0)
                        .zeros(64),
                24,
                "too large to count");
        refused(GgufBytes.header(3, 1, 0).tensor("t".repeat(64), F32, 0, 1).zeros(64), 24, "is 64, the limit is 63");
        GgufBytes twice = GgufBytes.header(3, 2, 0)
                .tensor("t", F32, 0, 1)
                .tensor("t", F32, 32, 1)
                .zeros(99);
        refused(twice, 57, "tensor t appears twice");
    }

    @Test
    void namesTheUnknownTensorType() throws IOException {
        Path path = file(GgufBytes.header(3, 1, 0)
                .tensor("blk.0.attn_q.weight", 99, 0, 32)
                .zeros(99));
        UnsupportedFeatureException refusal =
                assertThrows(UnsupportedFeatureException.class, () -> GgufFile.open(path));
        assertTrue(
                refusal.getMessage().contains("tensor blk.0.attn_q.weight has the type number 99"),
                refusal.getMessage());
    }

    @Test
    void refusesBadPlaces() throws IOException {
        refused(
                two(4, 64).zeros(128),
                82,
                "tensor b lies at byte 4 of the data section, no multiple of the alignment 32");
        refused(two(0, 64).zeros(128), 82, "tensor b lies at byte 0 of the data section, within the tensor before it");
        refused(two(32, 64).zeros(128), 82, "within the tensor before it; byte 64 is due");
        refused(two(96, 64).zeros(256), 82, "not right behind the tensor before it; byte 64 is due");
        refused(two(-32, 64).zeros(256), 82, "lies at byte 18446744073709551584 of the data section");
        refused(two(64, 1L << 59).zeros(99), 82, "takes 576460752303423488 bytes from byte 64");
        refused(two(64, 64).zeros(127), 82, "of a data section of only 127 bytes; the file is truncated or damaged");
        refused(GgufBytes.header(3, 1, 0).tensor("t", F32, 0, 1), 57, "the file ends before the data of its 1 tensors");
    }

    /** Tensors a of 48 bytes and b; the offset of b lies at byte 82. */
    private static GgufBytes two(long offset, long bytes) {
        return GgufBytes.header(3, 2, 0)
                .tensor("a", F32, 0, 12)
                .tensor("b", TensorType.I8.id(), offset, bytes)
                .align(32);
    }

    @Test
    void takesEmptyTensorsAndScalars() throws IOException {
        GgufBytes bytes = GgufBytes.header(3, 3, 0)
                .tensor("scalar", F32, 0)
                .tensor("empty", Q8_0, 32, 32, 0)
                .tensor("last", F32, 32, 1)
                .align(32)
                .zeros(36);
        try (GgufFile file = GgufFile.open(file(bytes))) {
            assertEquals(
                    List.of(4L, 0L, 4L),
                    file.tensors().stream().map(TensorInfo::bytes).toList());
            assertEquals(0, file.data(file.tensor("empty")).byteSize());
        }
    }

    @Test
    void decodesStringsThatAreNotUtf8AndKeepsTheirBytes() throws IOException {
        GgufBytes bytes = GgufBytes.header(3, 0, 2)
                .key("piece", MetadataType.STRING)
                .text("a\u00ffb")
                .key("pieces", MetadataType.ARRAY)
                .int32(MetadataType.STRING.id())
                .int64(3)
                .text("ok")
                .text("\u00e4\u00bd")
                .text("");
        try (GgufFile file = GgufFile.open(file(bytes))) {
            Metadata metadata = file.metadata();
            assertEquals("a\ufffdb", metadata.requireString("piece"));
            assertEquals(List.of("ok", "\ufffd", ""), metadata.strings("pieces"));
            MetadataValue.Texts pieces = (MetadataValue.Texts) metadata.typed("pieces");
            byte[] raw = new byte[2];
            pieces.bytes(1).get(raw);
            assertArrayEquals(new byte[] {(byte) 0xE4, (byte) 0xBD}, raw);
            Path copy = folder.resolve("copy.gguf");
            try (GgufWriter writer = new GgufWriter(copy, metadata)) {
                writer.finish();
            }
            assertArrayEquals(bytes.bytes(), Files.readAllBytes(copy));
        }
    }
}
