package dev.nibble.gguf;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One value of the metadata, as a GGUF file holds it: its type is kept, so that a file that is read and written again
 * says the same.
 *
 * <p>Strings should be UTF-8, but vocabularies of public models hold pieces that are not. Such a string is decoded with
 * replacement characters; its bytes are kept, so that the writer repeats them exactly.
 */
public sealed interface MetadataValue {
    /** The type by which the file names this value. */
    MetadataType type();

    /** The value as a plain object: a number, {@code Boolean}, {@code String}, or a {@code List} of these. */
    Object toObject();

    /**
     * A number or boolean.
     *
     * @param bits the value as {@link MetadataType} describes
     */
    record Scalar(MetadataType type, long bits) implements MetadataValue {
        @Override
        public Object toObject() {
            return type.box(bits);
        }
    }

    /**
     * A string.
     *
     * @param bytes its UTF-8
     */
    record Text(ByteBuffer bytes) implements MetadataValue {
        /** Makes the buffer read-only. */
        public Text {
            bytes = bytes.asReadOnlyBuffer();
        }

        /** Encodes a string. */
        public Text(String value) {
            this(StandardCharsets.UTF_8.encode(value));
        }

        /** The string, decoded anew. */
        public String value() {
            return StandardCharsets.UTF_8.decode(bytes.duplicate()).toString();
        }

        @Override
        public MetadataType type() {
            return MetadataType.STRING;
        }

        @Override
        public Object toObject() {
            return value();
        }
    }

    /** Values of one type, in order. */
    sealed interface Array extends MetadataValue {
        /** The type of every element. */
        MetadataType elementType();

        /** The number of elements. */
        int length();

        @Override
        List<?> toObject();

        @Override
        default MetadataType type() {
            return MetadataType.ARRAY;
        }
    }

    /**
     * Numbers or booleans, packed as in the file.
     *
     * @param data little-endian, from byte 0 to the limit
     */
    record Numbers(MetadataType elementType, ByteBuffer data) implements Array {
        /** Makes the buffer read-only and little-endian. */
        public Numbers {
            data = data.asReadOnlyBuffer().order(ByteOrder.LITTLE_ENDIAN);
        }

        @Override
        public int length() {
            return data.limit() / elementType.bytes();
        }

        /** The bits of one element, as {@link MetadataType} describes. */
        public long bits(int index) {
            return elementType.load(data, index * elementType.bytes());
        }

        @Override
        public List<?> toObject() {
            List<Object> values = new ArrayList<>(length());
            for (int i = 0; i < length(); i++) {
                values.add(elementType.box(bits(i)));
            }
            return values;
        }
    }

    /**
     * Strings.
     *
     * @param values the strings, decoded anew whenever one is asked for
     */
    record Texts(List<String> values) implements Array {
        /** Packs the strings. */
        public Texts {
            values = PackedStrings.of(values);
        }

        /** The bytes of one string: its UTF-8, or what the file has instead. */
        public ByteBuffer bytes(int index) {
            return packed().bytes(index);
        }

        @Override
        public MetadataType elementType() {
            return MetadataType.STRING;
        }

        @Override
        public int length() {
            return values.size();
        }

        @Override
        public List<?> toObject() {
            return values;
        }

        /** Equal if the bytes are. */
        @Override
        public boolean equals(@Nullable Object other) {
            return other instanceof Texts that
                    && packed().data().equals(that.packed().data());
        }

        @Override
        public int hashCode() {
            return packed().data().hashCode();
        }

        PackedStrings packed() {
            return (PackedStrings) values;
        }
    }

    /** Arrays of arrays. */
    record Nested(List<Array> values) implements Array {
        /** Copies the list. */
        public Nested {
            values = List.copyOf(values);
        }

        @Override
        public MetadataType elementType() {
            return MetadataType.ARRAY;
        }

        @Override
        public int length() {
            return values.size();
        }

        @Override
        public List<?> toObject() {
            return values.stream().map(Array::toObject).toList();
        }
    }
}
