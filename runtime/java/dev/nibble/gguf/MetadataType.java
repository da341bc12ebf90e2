package dev.nibble.gguf;

import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.util.Locale;
import java.util.Optional;

/**
 * The 13 types of metadata values: one row per type of the GGUF format.
 *
 * <p>The value of a number or boolean travels as a {@code long} of <em>bits</em>: an integer sign- or zero-extended
 * (an unsigned 64-bit one as it is), the raw IEEE bits of a floating-point number, 0 or 1 of a boolean.
 *
 * <p>Source: the GGUF specification.
 */
public enum MetadataType {
    UINT8(0, 1),
    INT8(1, 1),
    UINT16(2, 2),
    INT16(3, 2),
    UINT32(4, 4),
    INT32(5, 4),
    FLOAT32(6, 4),
    BOOL(7, 1),
    STRING(8, 0),
    ARRAY(9, 0),
    UINT64(10, 8),
    INT64(11, 8),
    FLOAT64(12, 8);

    private final int id;
    private final int bytes;

    MetadataType(int id, int bytes) {
        this.id = id;
        this.bytes = bytes;
    }

    /** The number by which a GGUF file names the type. */
    public int id() {
        return id;
    }

    /** Bytes of one value in a file; 0 for strings and arrays, whose size differs from value to value. */
    public int bytes() {
        return bytes;
    }

    /** Whether values are whole numbers. */
    public boolean isInteger() {
        return switch (this) {
            case UINT8, INT8, UINT16, INT16, UINT32, INT32, UINT64, INT64 -> true;
            default -> false;
        };
    }

    /** Whether values are floating-point numbers. */
    public boolean isFloating() {
        return this == FLOAT32 || this == FLOAT64;
    }

    /** The type of this number, if there is one. */
    public static Optional<MetadataType> ofId(int id) {
        for (MetadataType type : values()) {
            if (type.id == id) {
                return Optional.of(type);
            }
        }
        return Optional.empty();
    }

    /** The name of the type as people read it: {@code uint32}. */
    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** The bits of the value that lies at byte {@code at} of a little-endian buffer. */
    long load(ByteBuffer data, int at) {
        return switch (this) {
            case UINT8, BOOL -> data.get(at) & 0xFF;
            case INT8 -> data.get(at);
            case UINT16 -> data.getShort(at) & 0xFFFF;
            case INT16 -> data.getShort(at);
            case UINT32 -> data.getInt(at) & 0xFFFF_FFFFL;
            case INT32, FLOAT32 -> data.getInt(at);
            case UINT64, INT64, FLOAT64 -> data.getLong(at);
            case STRING, ARRAY -> throw new IllegalStateException(this + " has no bits");
        };
    }

    /** Appends the value of these bits to a little-endian buffer; the inverse of {@link #load}. */
    void store(long bits, ByteBuffer data) {
        switch (bytes) {
            case 1 -> data.put((byte) bits);
            case 2 -> data.putShort((short) bits);
            case 4 -> data.putInt((int) bits);
            case 8 -> data.putLong(bits);
            default -> throw new IllegalStateException(this + " has no bits");
        }
    }

    /** The value as an object: a {@code Long}, {@code BigInteger} from 2^63 on, {@code Float}, {@code Double}, {@code Boolean}. */
    Object box(long bits) {
        return switch (this) {
            case FLOAT32 -> Float.intBitsToFloat((int) bits);
            case FLOAT64 -> Double.longBitsToDouble(bits);
            case BOOL -> bits != 0;
            case UINT64 -> bits < 0 ? (Object) new BigInteger(Long.toUnsignedString(bits)) : (Object) bits;
            default -> bits;
        };
    }

    /** The value of a floating-point type. */
    double toDouble(long bits) {
        return this == FLOAT32 ? Float.intBitsToFloat((int) bits) : Double.longBitsToDouble(bits);
    }
}
