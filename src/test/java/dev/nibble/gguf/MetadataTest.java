package dev.nibble.gguf;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.nibble.InvalidModelException;
import java.math.BigInteger;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

class MetadataTest {
    private final Metadata metadata = Metadata.builder()
            .string("name", "nibble")
            .uint32("layers", 0xFFFF_FFFFL)
            .float32("epsilon", 1e-5f)
            .bool("tied", true)
            .strings("pieces", List.of("a", "", "ä"))
            .ints("types", 1, -2, 3)
            .floats("scores", 0.5f, -1f)
            .put("tiny", new MetadataValue.Scalar(MetadataType.INT8, -3))
            .put("huge", new MetadataValue.Scalar(MetadataType.UINT64, -1))
            .put("double", new MetadataValue.Scalar(MetadataType.FLOAT64, Double.doubleToRawLongBits(0.1)))
            .build();

    private static void refused(String message, Executable getter) {
        InvalidModelException refusal = assertThrows(InvalidModelException.class, getter);
        assertTrue(refusal.getMessage().contains(message), refusal.getMessage());
    }

    @Test
    void getsValues() {
        assertEquals(Optional.of("nibble"), metadata.string("name"));
        assertEquals(OptionalLong.of(0xFFFF_FFFFL), metadata.integer("layers"));
        assertEquals(OptionalDouble.of(1e-5f), metadata.floating("epsilon"));
        assertEquals(Optional.of(true), metadata.bool("tied"));
        assertEquals(-3, metadata.requireInt("tiny"));
        assertEquals(0.1, metadata.floating("double").orElseThrow());
        assertEquals(0.1f, metadata.requireFloat("double"));
        assertEquals(List.of("a", "", "ä"), metadata.strings("pieces"));
        assertArrayEquals(new int[] {1, -2, 3}, metadata.ints("types"));
        assertArrayEquals(new float[] {0.5f, -1f}, metadata.floats("scores"));
        assertTrue(metadata.isArray("types"));
        assertFalse(metadata.isArray("layers") || metadata.isArray("absent"));
        assertEquals(
                List.of("name", "layers", "epsilon", "tied", "pieces", "types", "scores", "tiny", "huge", "double"),
                List.copyOf(metadata.keys()));
    }

    @Test
    void getsDefaultsOfAbsentKeys() {
        assertEquals(Optional.empty(), metadata.string("absent"));
        assertEquals(OptionalLong.empty(), metadata.integer("absent"));
        assertEquals(OptionalDouble.empty(), metadata.floating("absent"));
        assertEquals(Optional.empty(), metadata.bool("absent"));
        assertEquals("x", metadata.stringOr("absent", "x"));
        assertEquals(7, metadata.intOr("absent", 7));
        assertEquals(7f, metadata.floatOr("absent", 7f));
        assertTrue(metadata.boolOr("absent", true));
        assertEquals("nibble", metadata.stringOr("name", "x"));
        assertEquals(-3, metadata.intOr("tiny", 7));
        assertEquals(1e-5f, metadata.floatOr("epsilon", 7f));
        assertTrue(metadata.boolOr("tied", false));
    }

    @Test
    void showsValuesAsObjects() {
        assertEquals(0xFFFF_FFFFL, metadata.value("layers"));
        assertEquals(new BigInteger("18446744073709551615"), metadata.value("huge"));
        assertEquals(1e-5f, metadata.value("epsilon"));
        assertEquals(0.1, metadata.value("double"));
        assertEquals(List.of(1L, -2L, 3L), metadata.value("types"));
        assertEquals(List.of(0.5f, -1f), metadata.value("scores"));
    }

    @Test
    void refusesOtherTypes() {
        refused("metadata key name is of type string, but an integer is wanted", () -> metadata.integer("name"));
        refused("metadata key types is of type array of int32, but a string is wanted", () -> metadata.string("types"));
        refused("metadata key layers is of type uint32, but a float32 is wanted", () -> metadata.floatOr("layers", 1));
        refused("metadata key name is of type string, but a bool is wanted", () -> metadata.boolOr("name", true));
        refused(
                "metadata key scores is of type array of float32, but an array of string",
                () -> metadata.strings("scores"));
        refused(
                "metadata key scores is of type array of float32, but an array of integers",
                () -> metadata.ints("scores"));
        refused(
                "metadata key types is of type array of int32, but an array of float32",
                () -> metadata.floats("types"));
        refused("metadata key layers is of type uint32, but an array of integers", () -> metadata.ints("layers"));
        refused("metadata key pieces is of type array of string, but an array of bool", () -> metadata.bools("pieces"));
        refused("metadata key absent is missing", () -> metadata.requireString("absent"));
        refused("metadata key absent is missing", () -> metadata.ints("absent"));
    }

    @Test
    void refusesIntegersThatDoNotFit() {
        refused(
                "metadata key layers holds 4294967295, which does not fit 32 bits",
                () -> metadata.requireInt("layers"));
        refused("metadata key huge holds 18446744073709551615, more than 2^63 - 1", () -> metadata.integer("huge"));
        assertThrows(IllegalArgumentException.class, () -> Metadata.builder().uint32("x", -1));
        assertThrows(IllegalArgumentException.class, () -> Metadata.builder().uint32("x", 1L << 32));
    }

    @Test
    void buildsUponOtherMetadata() {
        Metadata changed =
                metadata.toBuilder().string("name", "other").remove("huge").build();
        assertEquals("other", changed.requireString("name"));
        assertEquals("nibble", metadata.requireString("name"));
        assertFalse(changed.contains("huge"));
        assertNotEquals(metadata, changed);
        assertEquals(metadata, metadata.toBuilder().build());
        assertEquals(metadata.hashCode(), metadata.toBuilder().build().hashCode());
    }
}
