package dev.nibble.gguf;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.nibble.InvalidModelException;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class GgufWriterTest {
    @TempDir
    Path folder;

    private Path target;

    @BeforeEach
    void nameTheTarget() {
        target = folder.resolve("model.gguf");
    }

    private static byte[] random(long seed, int length) {
        byte[] bytes = new byte[length];
        new Random(seed).nextBytes(bytes);
        return bytes;
    }

    private List<String> standing() throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.map(file -> file.getFileName().toString()).toList();
        }
    }

    /** Every type of value, alone and in an array, arrays of arrays, and what is empty. */
    static Metadata everyType() {
        Metadata.Builder builder = Metadata.builder();
        for (MetadataType type : MetadataType.values()) {
            if (type.bytes() > 0) {
                long bits = type == MetadataType.BOOL
                        ? 1
                        : type == MetadataType.UINT8 ? 200 : type == MetadataType.UINT16 ? 60_000 : 77;
                builder.put("one." + type, new MetadataValue.Scalar(type, bits));
                for (int count : new int[] {0, 1, 7, 257}) {
                    builder.put("many." + count + "." + type, numbers(type, count));
                }
            }
        }
        MetadataValue.Array ints = numbers(MetadataType.INT16, 3);
        MetadataValue.Array texts = new MetadataValue.Texts(List.of("x", "", "日本語"));
        MetadataValue.Array nested =
                new MetadataValue.Nested(List.of(ints, texts, new MetadataValue.Nested(List.of())));
        return builder.string("one.text", "grüß\0e")
                .string("empty.text", "")
                .string("long.text", "0123456789".repeat(20_000))
                .strings("texts", List.of("a", "b", "z".repeat(100_000), "c"))
                .strings("no.texts", List.of())
                .put("nested", new MetadataValue.Nested(List.of(nested, nested)))
                .build();
    }

    private static MetadataValue.Numbers numbers(MetadataType type, int count) {
        byte[] bytes = type == MetadataType.BOOL ? new byte[count] : random(count, count * type.bytes());
        return new MetadataValue.Numbers(type, ByteBuffer.wrap(bytes));
    }

    @Test
    void keepsEveryType() throws IOException {
        Metadata metadata = everyType();
        try (GgufWriter writer = new GgufWriter(target, metadata)) {
            writer.finish();
        }
        try (GgufFile file = GgufFile.open(target)) {
            assertEquals(3, file.version());
            assertEquals(metadata, file.metadata());
            assertEquals("grüß\0e", file.metadata().requireString("one.text"));
            assertEquals(200, file.metadata().requireInt("one.uint8"));
            assertEquals(
                    List.of("a", "b", "z".repeat(100_000), "c"), file.metadata().strings("texts"));
            assertEquals(metadata.value("nested"), file.metadata().value("nested"));
            assertEquals(metadata.value("many.257.float64"), file.metadata().value("many.257.float64"));
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {8, 32, 64, 4096})
    void alignsTensorData(int alignment) throws IOException {
        Metadata metadata =
                Metadata.builder().uint32("general.alignment", alignment).build();
        int[] sizes = {1, 7, 31, 33, 255, 257, 4096};
        try (GgufWriter writer = new GgufWriter(target, metadata)) {
            for (int size : sizes) {
                writer.declare("t" + size, TensorType.I8, List.of((long) size));
            }
            for (int size : sizes) {
                writer.write(MemorySegment.ofArray(random(size, size)));
            }
            writer.finish();
        }
        assertEquals(0, Files.size(target) % alignment);
        try (GgufFile file = GgufFile.open(target)) {
            for (int size : sizes) {
                TensorInfo tensor = file.tensor("t" + size);
                assertEquals(0, tensor.offset() % alignment);
                assertArrayEquals(random(size, size), file.data(tensor).toArray(ValueLayout.JAVA_BYTE));
            }
        }
    }

    @Test
    void streamsATensorInPieces() throws IOException {
        byte[] bytes = random(1, 100_000);
        try (GgufWriter writer = new GgufWriter(target, Metadata.builder().build())) {
            writer.declare("a", TensorType.I8, List.of(1000L, 100L));
            writer.write(channel -> {
                for (int at = 0; at < bytes.length; at += 777) {
                    ByteBuffer piece = ByteBuffer.wrap(bytes, at, Math.min(777, bytes.length - at))
                            .order(ByteOrder.LITTLE_ENDIAN);
                    int wanted = piece.remaining();
                    assertEquals(wanted, channel.write(piece));
                }
            });
            writer.finish();
        }
        try (GgufFile file = GgufFile.open(target)) {
            assertArrayEquals(bytes, file.data(file.tensor("a")).toArray(ValueLayout.JAVA_BYTE));
        }
    }

    @Test
    void leavesNothingUnlessFinished() throws IOException {
        try (GgufWriter writer = new GgufWriter(target, Metadata.builder().build())) {
            writer.declare("a", TensorType.I8, List.of(5L));
            writer.write(MemorySegment.ofArray(new byte[5]));
            assertTrue(Files.notExists(target));
        }
        assertEquals(List.of(), standing());
        Files.writeString(target, "the file before");
        try (GgufWriter writer = new GgufWriter(target, Metadata.builder().build())) {
            assertEquals("the file before", Files.readString(target));
            writer.finish();
            writer.close();
        }
        assertEquals(List.of("model.gguf"), standing());
        GgufFile.open(target).close();
    }

    @Test
    void refusesWrongUse() throws IOException {
        try (GgufWriter writer = new GgufWriter(target, Metadata.builder().build())) {
            writer.declare("a", TensorType.I8, List.of(5L));
            writer.declare("b", TensorType.Q8_0, List.of(32L));
            assertThrows(IllegalArgumentException.class, () -> writer.declare("a", TensorType.I8, List.of(5L)));
            assertThrows(IllegalArgumentException.class, () -> writer.declare("c", TensorType.Q8_0, List.of(31L)));
            assertThrows(
                    IllegalArgumentException.class, () -> writer.declare("n".repeat(64), TensorType.I8, List.of(1L)));
            assertThrows(IllegalArgumentException.class, () -> writer.write(MemorySegment.ofArray(new byte[4])));
            assertThrows(IllegalArgumentException.class, () -> writer.write(MemorySegment.ofArray(new byte[6])));
            assertThrows(IllegalStateException.class, () -> writer.declare("c", TensorType.I8, List.of(5L)));
            writer.write(MemorySegment.ofArray(new byte[5]));
            assertThrows(IllegalStateException.class, writer::finish);
            writer.write(MemorySegment.ofArray(new byte[34]));
            assertThrows(IllegalStateException.class, () -> writer.write(MemorySegment.ofArray(new byte[1])));
            writer.finish();
        }
        Metadata unnamed = Metadata.builder().bool("", true).build();
        assertThrows(IllegalArgumentException.class, () -> new GgufWriter(target, unnamed));
        Metadata odd = Metadata.builder().uint32("general.alignment", 24).build();
        assertThrows(InvalidModelException.class, () -> new GgufWriter(target, odd));
        assertEquals(List.of("model.gguf"), standing());
    }

    @Test
    void readsASplitModelFromAnyPart() throws IOException {
        writePart("model-00001-of-00003.gguf", 0, 3, 6, "a", "b");
        writePart("model-00002-of-00003.gguf", 1, 3, 6, "c", "d", "e");
        writePart("model-00003-of-00003.gguf", 2, 3, 6, "f");
        for (int part = 1; part <= 3; part++) {
            Path path = folder.resolve("model-0000" + part + "-of-00003.gguf");
            try (GgufFile file = GgufFile.open(path)) {
                assertEquals(path, file.path());
                assertEquals("part 0", file.metadata().requireString("general.name"));
                assertEquals(
                        List.of("a", "b", "c", "d", "e", "f"),
                        file.tensors().stream().map(TensorInfo::name).toList());
                for (TensorInfo tensor : file.tensors()) {
                    byte[] bytes = file.data(tensor).toArray(ValueLayout.JAVA_BYTE);
                    assertArrayEquals(random(tensor.name().charAt(0), 99), bytes, tensor.name());
                }
            }
        }
    }

    @Test
    void refusesPartsThatDoNotBelongTogether() throws IOException {
        writePart("m-00001-of-00002.gguf", 0, 2, 2, "a");
        refusedPart(NoSuchFileException.class, "part 2 of 2 of the model");
        writePart("m-00002-of-00002.gguf", 1, 2, 2, "a");
        refusedPart(InvalidModelException.class, "tensor a is also in another part");
        writePart("m-00002-of-00002.gguf", 0, 2, 2, "b");
        refusedPart(InvalidModelException.class, "split.no is 0, but the file name means 1");
        writePart("m-00002-of-00002.gguf", 1, 3, 2, "b");
        refusedPart(InvalidModelException.class, "split.count is 3, but another part says 2");
        writePart("m-00002-of-00002.gguf", 1, 2, 2, "b", "c");
        refusedPart(InvalidModelException.class, "split.tensors.count is 2, but the parts hold 3");
        writePart("m-00001-of-00002.gguf", 0, 5, 2, "a");
        refusedPart(InvalidModelException.class, "split.count is 5, but the file name says 1 of 2");
        writePart("alone.gguf", 0, 2, 2, "a");
        InvalidModelException unnamed =
                assertThrows(InvalidModelException.class, () -> GgufFile.open(folder.resolve("alone.gguf")));
        assertTrue(unnamed.getMessage().contains("does not end in -00001-of-00002.gguf"), unnamed.getMessage());
    }

    private void refusedPart(Class<? extends Exception> type, String message) {
        Exception refusal = assertThrows(type, () -> GgufFile.open(folder.resolve("m-00001-of-00002.gguf")));
        assertTrue(refusal.getMessage().contains(message), refusal.getMessage());
    }

    private void writePart(String file, int part, int count, int tensors, String... names) throws IOException {
        Metadata metadata = Metadata.builder()
                .string("general.name", "part " + part)
                .put("split.no", new MetadataValue.Scalar(MetadataType.UINT16, part))
                .put("split.count", new MetadataValue.Scalar(MetadataType.UINT16, count))
                .put("split.tensors.count", new MetadataValue.Scalar(MetadataType.INT32, tensors))
                .build();
        try (GgufWriter writer = new GgufWriter(folder.resolve(file), metadata)) {
            for (String name : names) {
                writer.declare(name, TensorType.I8, List.of(99L));
            }
            for (String name : names) {
                writer.write(MemorySegment.ofArray(random(name.charAt(0), 99)));
            }
            writer.finish();
        }
    }
}
