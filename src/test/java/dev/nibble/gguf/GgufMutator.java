package dev.nibble.gguf;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;

/**
 * Breaks a valid GGUF file in ways that know its structure: it walks the file once, independently of the reader under
 * test, notes where every field lies, and then changes fields, or bytes, at random.
 */
final class GgufMutator {
    private enum Kind {
        COUNT,
        LENGTH,
        TEXT,
        TYPE,
        VALUE,
        DIMENSION,
        OFFSET
    }

    private record Field(Kind kind, int at, int size) {}

    private static final long[] STRIKING = {
        0,
        1,
        2,
        3,
        7,
        8,
        9,
        13,
        24,
        31,
        33,
        48,
        64,
        99,
        255,
        256,
        65_535,
        65_536,
        0x7FFF_FFFFL,
        0x8000_0000L,
        0xFFFF_FFFFL,
        1L << 32,
        1L << 33,
        1L << 40,
        (1L << 61) - 1,
        1L << 61,
        1L << 62,
        Long.MAX_VALUE - 7,
        Long.MAX_VALUE,
        Long.MIN_VALUE,
        -1,
        -8,
        -32,
        -4096
    };

    private final byte[] original;
    private final List<Field> fields = new ArrayList<>();
    private final int headerEnd;

    GgufMutator(byte[] valid) {
        this.original = valid;
        this.headerEnd = new Walk(ByteBuffer.wrap(valid).order(ByteOrder.LITTLE_ENDIAN)).header();
    }

    /** A broken copy, the same for the same seed; now and then it is still valid. */
    byte[] mutate(long seed) {
        Random random = new Random(seed);
        byte[] bytes = original.clone();
        int rounds = 1 + random.nextInt(3);
        for (int i = 0; i < rounds; i++) {
            bytes = change(bytes, random);
        }
        return bytes;
    }

    private byte[] change(byte[] bytes, Random random) {
        switch (random.nextInt(12)) {
            case 0 -> set(bytes, any(random), STRIKING[random.nextInt(STRIKING.length)]);
            case 1 -> set(bytes, any(random, Kind.COUNT, Kind.LENGTH), STRIKING[random.nextInt(STRIKING.length)]);
            case 2 -> nudge(bytes, any(random), random.nextInt(65) - 32);
            case 3 -> copy(bytes, random, any(random));
            case 4 -> copy(bytes, random, any(random, Kind.TEXT));
            case 5 -> set(bytes, any(random, Kind.TYPE), random.nextInt(45));
            case 6 -> set(bytes, any(random, Kind.DIMENSION), STRIKING[random.nextInt(STRIKING.length)]);
            case 7 -> place(bytes, random);
            case 8 -> flip(bytes, random);
            case 9 -> {
                return Arrays.copyOf(bytes, random.nextInt(random.nextBoolean() ? headerEnd : original.length + 100));
            }
            case 10 -> {
                return nest(bytes, random);
            }
            default -> {
                return splice(bytes, random);
            }
        }
        return bytes;
    }

    private Field any(Random random, Kind... kinds) {
        List<Field> found = fields;
        if (kinds.length > 0) {
            List<Kind> wanted = List.of(kinds);
            found = fields.stream()
                    .filter(field -> wanted.contains(field.kind()))
                    .toList();
        }
        return found.isEmpty() ? any(random) : found.get(random.nextInt(found.size()));
    }

    private static void set(byte[] bytes, Field field, long value) {
        for (int i = 0; i < field.size() && field.at() + i < bytes.length; i++) {
            bytes[field.at() + i] = (byte) (i < Long.BYTES ? value >>> 8 * i : 0);
        }
    }

    private static long get(byte[] bytes, Field field) {
        long value = 0;
        for (int i = Math.min(field.size(), Long.BYTES) - 1; i >= 0; i--) {
            value = value << 8 | (field.at() + i < bytes.length ? bytes[field.at() + i] & 0xFF : 0);
        }
        return value;
    }

    private static void nudge(byte[] bytes, Field field, int by) {
        set(bytes, field, get(bytes, field) + by);
    }

    /** Makes a field equal to another of its kind and size: a name twice, a type that is not the value's. */
    private void copy(byte[] bytes, Random random, Field to) {
        List<Field> like = fields.stream()
                .filter(field -> field.kind() == to.kind() && field.size() == to.size())
                .toList();
        Field from = like.get(random.nextInt(like.size()));
        if (Math.max(from.at(), to.at()) + to.size() <= bytes.length) {
            System.arraycopy(bytes, from.at(), bytes, to.at(), to.size());
        }
    }

    /** Moves a tensor onto another, out of the file, or off its alignment. */
    private void place(byte[] bytes, Random random) {
        Field field = any(random, Kind.OFFSET);
        long offset = get(bytes, field);
        long[] places = {
            offset + 32, offset - 32, offset + 1, offset * 2, 0, bytes.length, bytes.length & -32L, -32, 1L << 62
        };
        set(bytes, field, places[random.nextInt(places.length)]);
    }

    private void flip(byte[] bytes, Random random) {
        for (int i = random.nextInt(16); i >= 0 && bytes.length > 0; i--) {
            int at = random.nextInt(Math.min(bytes.length, random.nextBoolean() ? headerEnd : bytes.length));
            bytes[at] ^= (byte) (1 << random.nextInt(8));
        }
    }

    /** Puts arrays in arrays in arrays where a value is; nothing in the format can point back, so depth is all there is. */
    private byte[] nest(byte[] bytes, Random random) {
        int depth = 1 + random.nextInt(random.nextBoolean() ? 12 : 3000);
        GgufBytes arrays = new GgufBytes().int32(MetadataType.ARRAY.id());
        for (int i = 0; i < depth; i++) {
            arrays.int32(MetadataType.ARRAY.id()).int64(random.nextInt(20) == 0 ? random.nextInt(5000) : 1);
        }
        arrays.int32(random.nextInt(13)).int64(random.nextInt(3));
        int at = Math.min(any(random, Kind.TYPE).at(), bytes.length);
        return insert(bytes, at, Math.min(bytes.length, at + random.nextInt(20)), arrays.bytes());
    }

    /** Removes bytes, or repeats some of the file, at the border of a field. */
    private byte[] splice(byte[] bytes, Random random) {
        int at = Math.min(any(random).at(), bytes.length);
        int end = Math.min(bytes.length, at + random.nextInt(40));
        int from = Math.min(any(random).at(), bytes.length);
        int until = Math.min(bytes.length, from + (random.nextBoolean() ? 0 : random.nextInt(200)));
        return insert(bytes, at, end, Arrays.copyOfRange(bytes, from, until));
    }

    private static byte[] insert(byte[] bytes, int at, int end, byte[] instead) {
        ByteBuffer joined = ByteBuffer.allocate(at + instead.length + bytes.length - end);
        return joined.put(bytes, 0, at)
                .put(instead)
                .put(bytes, end, bytes.length - end)
                .array();
    }

    /** Notes the fields of a valid file. */
    private final class Walk {
        private final ByteBuffer in;

        Walk(ByteBuffer in) {
            this.in = in;
        }

        int header() {
            field(Kind.VALUE, 4);
            field(Kind.VALUE, 4);
            long tensors = field(Kind.COUNT, 8);
            long keys = field(Kind.COUNT, 8);
            for (long i = 0; i < keys; i++) {
                text();
                value((int) field(Kind.TYPE, 4));
            }
            for (long i = 0; i < tensors; i++) {
                text();
                long dimensions = field(Kind.COUNT, 4);
                for (long j = 0; j < dimensions; j++) {
                    field(Kind.DIMENSION, 8);
                }
                field(Kind.TYPE, 4);
                field(Kind.OFFSET, 8);
            }
            return in.position();
        }

        private long field(Kind kind, int size) {
            Field field = new Field(kind, in.position(), size);
            fields.add(field);
            in.position(in.position() + size);
            return get(original, field);
        }

        private void text() {
            field(Kind.TEXT, (int) field(Kind.LENGTH, 8));
        }

        private void value(int type) {
            MetadataType known = MetadataType.ofId(type).orElseThrow();
            switch (known) {
                case STRING -> text();
                case ARRAY -> {
                    int element = (int) field(Kind.TYPE, 4);
                    long count = field(Kind.COUNT, 8);
                    for (long i = 0; i < count; i++) {
                        value(element);
                    }
                }
                default -> field(Kind.VALUE, known.bytes());
            }
        }
    }
}
