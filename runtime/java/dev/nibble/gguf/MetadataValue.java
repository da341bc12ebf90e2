package dev.nibble.gguf;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * One value of the metadata, as a GGUF file holds it: its type is kept, so that a file that is read and written again
 * says the same.
 *
 * <p>Strings should be UTF-8, but vocabularies of public models hold pieces that are not. Such a string is decoded with
 * replacement characters, and its bytes are kept beside it, so that the writer repeats them exactly.
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
     * @param raw its bytes, if they are not UTF-8, else null
     */
    record Text(String value, @Nullable ByteBuffer raw) implements MetadataValue {
        /** A string that encodes as UTF-8. */
        public Text(String value) {
            this(value, null);
        }

        @Override
        public MetadataType type() {
            return MetadataType.STRING;
        }

        @Override
        public Object toObject() {
            return value;
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
     * @param raw the bytes of those that are not UTF-8, by index
     */
    record Texts(List<String> values, Map<Integer, ByteBuffer> raw) implements Array {
        /** Strings that all encode as UTF-8. */
        public Texts(List<String> values) {
            this(List.copyOf(values), Map.of());
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
