package dev.nibble.gguf;

import dev.nibble.InvalidModelException;
import dev.nibble.UnsupportedFeatureException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/**
 * Everything in a GGUF file before the data of its tensors, read and checked.
 *
 * <p>The checks are those of ggml's own reader (gguf.cpp) and of the specification: among others, the data of the
 * tensors follows the order of the table without gap or overlap, each piece padded to the alignment.
 *
 * @param version 2 or 3
 * @param tensors in the order of the file
 * @param dataStart the byte at which the data section begins
 */
record GgufHeader(int version, Metadata metadata, List<TensorInfo> tensors, long dataStart) {
    static final int VERSION = 3;
    static final int DEFAULT_ALIGNMENT = 32;

    /** The specification asks for a multiple of 8: values of every type can then be read where they lie. */
    static final int MIN_ALIGNMENT = 8;

    static final String ALIGNMENT_KEY = "general.alignment";

    /** "GGUF" in the order of the file. */
    static final int MAGIC = 0x46554747;

    static final int MAX_KEY_BYTES = 65_535;

    /** ggml keeps names in 64 bytes, the last of them zero. */
    static final int MAX_NAME_BYTES = 63;

    /** Arrays in arrays in arrays: no known file goes deeper than two. */
    private static final int MAX_ARRAY_DEPTH = 8;

    private static final int MIN_METADATA_BYTES = Long.BYTES + 1 + Integer.BYTES + 1;
    private static final int MIN_TENSOR_BYTES = Long.BYTES + Integer.BYTES + Integer.BYTES + Long.BYTES;
    private static final int MIN_ARRAY_BYTES = Integer.BYTES + Long.BYTES;

    /**
     * Reads the header of a file.
     *
     * @param path names the file in errors
     * @param part which file of a split model this is, from 0
     * @throws InvalidModelException if anything in it cannot be
     * @throws UnsupportedFeatureException if a tensor has a type of an unknown number
     */
    static GgufHeader read(Path path, MemorySegment file, int part) {
        return new Reader(path, file, part).read();
    }

    /** The next multiple of the alignment, a power of two. */
    static long align(long offset, long alignment) {
        return (offset + alignment - 1) & -alignment;
    }

    /** The alignment that the metadata asks for. */
    static long alignment(Metadata metadata) {
        MetadataValue value = metadata.typed(ALIGNMENT_KEY);
        if (value == null) {
            return DEFAULT_ALIGNMENT;
        }
        if (!(value instanceof MetadataValue.Scalar scalar) || scalar.type() != MetadataType.UINT32) {
            throw metadata.invalid(ALIGNMENT_KEY, "is of type " + value.type() + ", but a uint32 is wanted");
        }
        long alignment = scalar.bits();
        if (Long.bitCount(alignment) != 1 || alignment < MIN_ALIGNMENT) {
            throw metadata.invalid(
                    ALIGNMENT_KEY, "is " + alignment + ", but a power of two is wanted, " + MIN_ALIGNMENT + " or more");
        }
        return alignment;
    }

    private static final class Reader {
        private final Path path;
        private final GgufCursor in;
        private final int part;

        Reader(Path path, MemorySegment file, int part) {
            this.path = path;
            this.in = new GgufCursor(path, file);
            this.part = part;
        }

        GgufHeader read() {
            int version = version();
            int tensorCount = in.count(MIN_TENSOR_BYTES, "the number of tensors");
            int keyCount = in.count(MIN_METADATA_BYTES, "the number of metadata keys");
            Metadata metadata = metadata(keyCount);
            long alignment = alignment(metadata);
            List<TensorInfo> tensors = new ArrayList<>(tensorCount);
            long[] places = new long[tensorCount];
            tensors(tensors, places);
            long end = in.position() + in.remaining();
            long dataStart = tensorCount == 0 ? in.position() : align(in.position(), alignment);
            if (dataStart > end) {
                throw in.invalid(
                        end,
                        "the file ends before the data of its " + tensorCount + " tensors, due at byte " + dataStart);
            }
            checkLayout(tensors, places, alignment, end - dataStart);
            return new GgufHeader(version, metadata, List.copyOf(tensors), dataStart);
        }

        private int version() {
            if (in.remaining() < Integer.BYTES) {
                throw in.invalid(0, "not a GGUF file: it has only " + in.remaining() + " bytes");
            }
            int magic = in.int32("the magic number");
            if (magic != MAGIC && magic != Integer.reverseBytes(MAGIC)) {
                throw in.invalid(
                        0,
                        String.format(
                                Locale.ROOT,
                                "not a GGUF file: it begins with 0x%08x, not with \"GGUF\"",
                                Integer.reverseBytes(magic)));
            }
            int version = in.int32("the version");
            if (magic != MAGIC || (version & 0xFFFF) == 0 && version != 0) {
                throw in.invalid(
                        4,
                        "a big-endian GGUF file; convert it to little-endian"
                                + " (gguf_convert_endian.py of the gguf Python package)");
            }
            if (version == 1) {
                throw in.invalid(4, "GGUF version 1 is no longer in use; convert the model again with a current tool");
            }
            if (version != 2 && version != VERSION) {
                throw in.invalid(
                        4, "GGUF version " + Integer.toUnsignedString(version) + "; versions 2 and 3 are known");
            }
            return version;
        }

        private Metadata metadata(int count) {
            Metadata.Builder builder = Metadata.builder(path);
            for (int i = 0; i < count; i++) {
                long at = in.position();
                String key = in.name(MAX_KEY_BYTES, "the length of metadata key " + i);
                if (key.isEmpty()) {
                    throw in.invalid(at, "metadata key " + i + " is empty");
                }
                if (builder.contains(key)) {
                    throw in.invalid(at, "metadata key " + key + " appears twice");
                }
                long valueAt = in.position();
                builder.put(key, value(key), valueAt);
            }
            return builder.build();
        }

        private MetadataType type(String key) {
            long at = in.position();
            int id = in.int32("the type of metadata key " + key);
            return MetadataType.ofId(id)
                    .orElseThrow(() -> in.invalid(
                            at,
                            "metadata key " + key + " has type number " + Integer.toUnsignedString(id)
                                    + "; 0 to 12 are known"));
        }

        private MetadataValue value(String key) {
            MetadataType type = type(key);
            return switch (type) {
                case STRING -> in.text("the length of the string of metadata key " + key);
                case ARRAY -> array(key, 1);
                case BOOL -> {
                    long at = in.position();
                    long bits = in.bits(type, "the value of metadata key " + key);
                    checkBool(key, at, bits);
                    yield new MetadataValue.Scalar(type, bits);
                }
                default -> new MetadataValue.Scalar(type, in.bits(type, "the value of metadata key " + key));
            };
        }

        private MetadataValue.Array array(String key, int depth) {
            if (depth > MAX_ARRAY_DEPTH) {
                throw in.invalid(in.position(), "metadata key " + key + " nests arrays deeper than " + MAX_ARRAY_DEPTH);
            }
            MetadataType type = type(key);
            return switch (type) {
                case STRING -> {
                    int count = in.count(Long.BYTES, "the array length of metadata key " + key);
                    yield new MetadataValue.Texts(in.strings(count, "the length of a string of metadata key " + key));
                }
                case ARRAY -> {
                    int count = in.count(MIN_ARRAY_BYTES, "the array length of metadata key " + key);
                    List<MetadataValue.Array> values = new ArrayList<>(count);
                    for (int i = 0; i < count; i++) {
                        values.add(array(key, depth + 1));
                    }
                    yield new MetadataValue.Nested(values);
                }
                default -> numbers(key, type);
            };
        }

        private MetadataValue.Numbers numbers(String key, MetadataType type) {
            int count = in.count(type.bytes(), "the array length of metadata key " + key);
            long at = in.position();
            byte[] data = in.bytes(count * type.bytes());
            if (type == MetadataType.BOOL) {
                for (int i = 0; i < count; i++) {
                    checkBool(key, at + i, data[i]);
                }
            }
            return new MetadataValue.Numbers(type, ByteBuffer.wrap(data).order(ByteOrder.LITTLE_ENDIAN));
        }

        private void checkBool(String key, long at, long bits) {
            if ((bits & ~1L) != 0) {
                throw in.invalid(
                        at, "metadata key " + key + " holds a boolean of " + (bits & 0xFF) + "; it must be 0 or 1");
            }
        }

        private void tensors(List<TensorInfo> tensors, long[] places) {
            Set<String> names = new HashSet<>();
            for (int i = 0; i < places.length; i++) {
                long at = in.position();
                String name = in.name(MAX_NAME_BYTES, "the length of the name of tensor " + i);
                if (!names.add(name)) {
                    throw in.invalid(at, "tensor " + name + " appears twice");
                }
                tensors.add(tensor(name, at));
                places[i] = in.position() - Long.BYTES;
            }
        }

        private TensorInfo tensor(String name, long at) {
            int dimensionCount = in.int32("the number of dimensions of tensor " + name);
            if (dimensionCount < 0 || dimensionCount > TensorInfo.MAX_DIMENSIONS) {
                throw in.invalid(
                        in.position() - Integer.BYTES,
                        "tensor " + name + " has " + Integer.toUnsignedString(dimensionCount)
                                + " dimensions, the limit is " + TensorInfo.MAX_DIMENSIONS);
            }
            Long[] dimensions = new Long[dimensionCount];
            Arrays.setAll(dimensions, i -> in.int64("a dimension of tensor " + name));
            int typeId = in.int32("the type of tensor " + name);
            TensorType type = TensorType.ofId(typeId)
                    .orElseThrow(
                            () -> new UnsupportedFeatureException(path + ": tensor " + name + " has the type number "
                                    + Integer.toUnsignedString(typeId)
                                    + ", which this runtime does not know; quantize the model to another type"));
            long offset = in.int64("the offset of tensor " + name);
            try {
                return new TensorInfo(name, type, List.of(dimensions), part, offset);
            } catch (IllegalArgumentException e) {
                throw in.invalid(at, e.getMessage());
            }
        }

        private void checkLayout(List<TensorInfo> tensors, long[] places, long alignment, long dataBytes) {
            long expected = 0;
            for (int i = 0; i < places.length; i++) {
                TensorInfo tensor = tensors.get(i);
                long offset = tensor.offset();
                if (offset != expected) {
                    throw in.invalid(places[i], misplaced(tensor, expected, alignment));
                }
                if (tensor.bytes() > dataBytes - offset) {
                    throw in.invalid(
                            places[i],
                            "tensor " + tensor.name() + " takes " + tensor.bytes()
                                    + " bytes from byte " + offset + " of a data section of only " + dataBytes
                                    + " bytes; the file is truncated or damaged");
                }
                // May lie behind the end of the file: the padding of the last tensor need not be there.
                expected = align(offset + tensor.bytes(), alignment);
            }
        }

        private static String misplaced(TensorInfo tensor, long expected, long alignment) {
            long offset = tensor.offset();
            String where = "tensor " + tensor.name() + " lies at byte " + Long.toUnsignedString(offset)
                    + " of the data section";
            if (offset % alignment != 0) {
                return where + ", no multiple of the alignment " + alignment;
            }
            boolean overlaps = offset >= 0 && offset < expected;
            return where + (overlaps ? ", within the tensor before it" : ", not right behind the tensor before it")
                    + "; byte " + expected + " is due";
        }
    }
}
