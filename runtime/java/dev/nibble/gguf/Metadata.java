package dev.nibble.gguf;

import dev.nibble.InvalidModelException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalLong;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The keys of a GGUF file and their values, in the order of the file. Immutable.
 *
 * <p>Every getter checks the type: a value of another type than the one asked for gives an
 * {@link InvalidModelException} that names the key, the type found and the type wanted. Integers may be stored in any
 * integer type, floating-point numbers in either width, as long as the value fits the type asked for.
 */
public final class Metadata {
    private static final String INTEGER = "an integer";

    private final Path path;
    private final Map<String, Entry> entries;

    private Metadata(Path path, Map<String, Entry> entries) {
        this.path = path;
        this.entries = Collections.unmodifiableMap(new LinkedHashMap<>(entries));
    }

    /** A value and the byte offset in the file where it lies, -1 if it was never in one. */
    private record Entry(MetadataValue value, long offset) {}

    /** A builder without keys. */
    public static Builder builder() {
        return new Builder(Path.of("new metadata"));
    }

    static Builder builder(Path path) {
        return new Builder(path);
    }

    /** A builder that starts with these keys. */
    public Builder toBuilder() {
        Builder builder = new Builder(path);
        builder.entries.putAll(entries);
        return builder;
    }

    /** All keys, in the order of the file. */
    public Set<String> keys() {
        return entries.keySet();
    }

    /** Whether the key is there. */
    public boolean contains(String key) {
        return entries.containsKey(key);
    }

    /** Whether the key is there and holds an array. */
    public boolean isArray(String key) {
        return typed(key) instanceof MetadataValue.Array;
    }

    /**
     * The value for inspection: a {@code Long} (a {@code BigInteger} from 2^63 on), {@code Float}, {@code Double},
     * {@code Boolean}, {@code String}, or a {@code List} of these or of lists.
     *
     * @throws InvalidModelException if the key is absent
     */
    public Object value(String key) {
        return required(key).toObject();
    }

    /** The value with its type as the file holds it; null if the key is absent. */
    public @Nullable MetadataValue typed(String key) {
        Entry entry = entries.get(key);
        return entry == null ? null : entry.value();
    }

    /** A string, if the key is there. */
    public Optional<String> string(String key) {
        return Optional.ofNullable(typed(key)).map(value -> text(key, value));
    }

    /** An integer of any stored width, if the key is there. */
    public OptionalLong integer(String key) {
        MetadataValue value = typed(key);
        return value == null ? OptionalLong.empty() : OptionalLong.of(integer(key, value));
    }

    /** A floating-point number of either width, if the key is there. */
    public OptionalDouble floating(String key) {
        MetadataValue value = typed(key);
        return value == null ? OptionalDouble.empty() : OptionalDouble.of(floating(key, value));
    }

    /** A boolean, if the key is there. */
    public Optional<Boolean> bool(String key) {
        return Optional.ofNullable(typed(key)).map(value -> bool(key, value));
    }

    /** A string. @throws InvalidModelException if the key is absent */
    public String requireString(String key) {
        return text(key, required(key));
    }

    /** An integer that fits an {@code int}. @throws InvalidModelException if the key is absent */
    public int requireInt(String key) {
        return narrow(key, integer(key, required(key)));
    }

    /** A floating-point number as a float. @throws InvalidModelException if the key is absent */
    public float requireFloat(String key) {
        return (float) floating(key, required(key));
    }

    /** A string, or the default if the key is absent. */
    public String stringOr(String key, String absent) {
        return contains(key) ? requireString(key) : absent;
    }

    /** An integer that fits an {@code int}, or the default if the key is absent. */
    public int intOr(String key, int absent) {
        return contains(key) ? requireInt(key) : absent;
    }

    /** A floating-point number as a float, or the default if the key is absent. */
    public float floatOr(String key, float absent) {
        return contains(key) ? requireFloat(key) : absent;
    }

    /** A boolean, or the default if the key is absent. */
    public boolean boolOr(String key, boolean absent) {
        return contains(key) ? bool(key, required(key)) : absent;
    }

    /** An array of strings, unmodifiable. @throws InvalidModelException if the key is absent */
    public List<String> strings(String key) {
        if (required(key) instanceof MetadataValue.Texts texts) {
            return texts.values();
        }
        throw wrongType(key, "an array of string");
    }

    /** An array of integers that all fit an {@code int}. @throws InvalidModelException if the key is absent */
    public int[] ints(String key) {
        MetadataValue.Numbers numbers = numbers(key, "an array of integers");
        if (!numbers.elementType().isInteger()) {
            throw wrongType(key, "an array of integers");
        }
        int[] values = new int[numbers.length()];
        for (int i = 0; i < values.length; i++) {
            values[i] = narrow(key, signed(key, numbers.elementType(), numbers.bits(i)));
        }
        return values;
    }

    /** An array of floating-point numbers, as floats. @throws InvalidModelException if the key is absent */
    public float[] floats(String key) {
        MetadataValue.Numbers numbers = numbers(key, "an array of float32");
        if (!numbers.elementType().isFloating()) {
            throw wrongType(key, "an array of float32");
        }
        float[] values = new float[numbers.length()];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) numbers.elementType().toDouble(numbers.bits(i));
        }
        return values;
    }

    /** An array of booleans. @throws InvalidModelException if the key is absent */
    public boolean[] bools(String key) {
        MetadataValue.Numbers numbers = numbers(key, "an array of bool");
        if (numbers.elementType() != MetadataType.BOOL) {
            throw wrongType(key, "an array of bool");
        }
        boolean[] values = new boolean[numbers.length()];
        for (int i = 0; i < values.length; i++) {
            values[i] = numbers.bits(i) != 0;
        }
        return values;
    }

    /** A fault of the value of this key, for the one who finds out that it cannot be right: names file, place and key. */
    public InvalidModelException invalid(String key, String message) {
        Entry entry = entries.get(key);
        return new InvalidModelException(
                path, entry == null ? -1 : entry.offset(), "metadata key " + key + " " + message);
    }

    /** Equal if the same keys in the same order have the same values of the same types. */
    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof Metadata that
                && List.copyOf(keys()).equals(List.copyOf(that.keys()))
                && keys().stream().allMatch(key -> required(key).equals(that.typed(key)));
    }

    @Override
    public int hashCode() {
        return keys().hashCode();
    }

    private MetadataValue required(String key) {
        MetadataValue value = typed(key);
        if (value == null) {
            throw invalid(key, "is missing");
        }
        return value;
    }

    private String text(String key, MetadataValue value) {
        if (value instanceof MetadataValue.Text text) {
            return text.value();
        }
        throw wrongType(key, "a string");
    }

    private long integer(String key, MetadataValue value) {
        if (value instanceof MetadataValue.Scalar scalar && scalar.type().isInteger()) {
            return signed(key, scalar.type(), scalar.bits());
        }
        throw wrongType(key, INTEGER);
    }

    private double floating(String key, MetadataValue value) {
        if (value instanceof MetadataValue.Scalar scalar && scalar.type().isFloating()) {
            return scalar.type().toDouble(scalar.bits());
        }
        throw wrongType(key, "a float32");
    }

    private boolean bool(String key, MetadataValue value) {
        if (value instanceof MetadataValue.Scalar scalar && scalar.type() == MetadataType.BOOL) {
            return scalar.bits() != 0;
        }
        throw wrongType(key, "a bool");
    }

    private MetadataValue.Numbers numbers(String key, String wanted) {
        if (required(key) instanceof MetadataValue.Numbers numbers) {
            return numbers;
        }
        throw wrongType(key, wanted);
    }

    private long signed(String key, MetadataType type, long bits) {
        if (type == MetadataType.UINT64 && bits < 0) {
            throw invalid(key, "holds " + Long.toUnsignedString(bits) + ", more than 2^63 - 1");
        }
        return bits;
    }

    private int narrow(String key, long value) {
        if ((int) value != value) {
            throw invalid(key, "holds " + value + ", which does not fit 32 bits");
        }
        return (int) value;
    }

    private InvalidModelException wrongType(String key, String wanted) {
        MetadataValue value = required(key);
        String found = value instanceof MetadataValue.Array array
                ? "array of " + array.elementType()
                : value.type().toString();
        return invalid(key, "is of type " + found + ", but " + wanted + " is wanted");
    }

    /** Collects keys in order. Setting a key again replaces its value and keeps its place. */
    public static final class Builder {
        private final Path path;
        private final Map<String, Entry> entries = new LinkedHashMap<>();

        private Builder(Path path) {
            this.path = path;
        }

        /** Sets a value of any type. */
        public Builder put(String key, MetadataValue value) {
            return put(key, value, -1);
        }

        Builder put(String key, MetadataValue value, long offset) {
            entries.put(key, new Entry(value, offset));
            return this;
        }

        boolean contains(String key) {
            return entries.containsKey(key);
        }

        /** Sets a string. */
        public Builder string(String key, String value) {
            return put(key, new MetadataValue.Text(value));
        }

        /** Sets a uint32, the usual type of counts. @throws IllegalArgumentException if the value is negative or above 2^32 - 1 */
        public Builder uint32(String key, long value) {
            if (value >>> 32 != 0) {
                throw new IllegalArgumentException(key + ": " + value + " is no uint32");
            }
            return put(key, new MetadataValue.Scalar(MetadataType.UINT32, value));
        }

        /** Sets a float32. */
        public Builder float32(String key, float value) {
            return put(key, new MetadataValue.Scalar(MetadataType.FLOAT32, Float.floatToRawIntBits(value)));
        }

        /** Sets a boolean. */
        public Builder bool(String key, boolean value) {
            return put(key, new MetadataValue.Scalar(MetadataType.BOOL, value ? 1 : 0));
        }

        /** Sets an array of strings. */
        public Builder strings(String key, List<String> values) {
            return put(key, new MetadataValue.Texts(values));
        }

        /** Sets an array of int32. */
        public Builder ints(String key, int... values) {
            ByteBuffer data = ByteBuffer.allocate(values.length * Integer.BYTES).order(ByteOrder.LITTLE_ENDIAN);
            data.asIntBuffer().put(values);
            return put(key, new MetadataValue.Numbers(MetadataType.INT32, data));
        }

        /** Sets an array of float32. */
        public Builder floats(String key, float... values) {
            ByteBuffer data = ByteBuffer.allocate(values.length * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
            data.asFloatBuffer().put(values);
            return put(key, new MetadataValue.Numbers(MetadataType.FLOAT32, data));
        }

        /** Removes a key, if it is there. */
        public Builder remove(String key) {
            entries.remove(key);
            return this;
        }

        /** The metadata so far. */
        public Metadata build() {
            return new Metadata(path, entries);
        }
    }
}
