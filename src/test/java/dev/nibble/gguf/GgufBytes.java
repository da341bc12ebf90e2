package dev.nibble.gguf;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/** Writes the fields of a GGUF file one by one, right or wrong, independently of the writer under test. */
final class GgufBytes {
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();

    /** A file of this version so far. */
    static GgufBytes header(int version, long tensors, long keys) {
        return new GgufBytes().raw("GGUF").int32(version).int64(tensors).int64(keys);
    }

    GgufBytes raw(String bytes) {
        return raw(bytes.getBytes(StandardCharsets.ISO_8859_1));
    }

    GgufBytes raw(byte... bytes) {
        out.writeBytes(bytes);
        return this;
    }

    GgufBytes int32(int value) {
        return raw(ByteBuffer.allocate(4)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putInt(value)
                .array());
    }

    GgufBytes int64(long value) {
        return raw(ByteBuffer.allocate(8)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(value)
                .array());
    }

    /** A string with its length; characters are bytes. */
    GgufBytes text(String bytes) {
        return int64(bytes.length()).raw(bytes);
    }

    /** A key and the type of its value. */
    GgufBytes key(String key, MetadataType type) {
        return text(key).int32(type.id());
    }

    /** A row of the tensor table. */
    GgufBytes tensor(String name, int typeId, long offset, long... dimensions) {
        text(name).int32(dimensions.length);
        for (long length : dimensions) {
            int64(length);
        }
        return int32(typeId).int64(offset);
    }

    /** Zeros up to a multiple of the alignment. */
    GgufBytes align(int alignment) {
        return zeros((alignment - out.size() % alignment) % alignment);
    }

    GgufBytes zeros(int count) {
        return raw(new byte[count]);
    }

    int size() {
        return out.size();
    }

    byte[] bytes() {
        return out.toByteArray();
    }
}
