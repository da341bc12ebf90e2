package dev.nibble.gguf;

import dev.nibble.InvalidModelException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;

/**
 * Reads the header of a GGUF file from front to back, little-endian. Every read checks first that the bytes are there,
 * and every count that its elements could be, so nothing is allocated that the rest of the file could not fill.
 */
final class GgufCursor {
    /** Large enough to make refills rare, small enough to stay in a core's cache. */
    private static final int WINDOW_BYTES = 1 << 16;

    /** The longest string or array that fits a Java array. */
    private static final long MAX_ARRAY_BYTES = Integer.MAX_VALUE - 16;

    /** What a decoder puts for bytes that are not UTF-8. */
    private static final char REPLACEMENT = '\uFFFD';

    private final Path path;
    private final MemorySegment file;
    private final ByteBuffer window;
    private long windowStart;

    GgufCursor(Path path, MemorySegment file) {
        this.path = path;
        this.file = file;
        this.window = ByteBuffer.allocate((int) Math.min(WINDOW_BYTES, file.byteSize()))
                .order(ByteOrder.LITTLE_ENDIAN)
                .limit(0);
    }

    /** The offset of the next byte. */
    long position() {
        return windowStart + window.position();
    }

    /** The number of bytes from here to the end of the file. */
    long remaining() {
        return file.byteSize() - position();
    }

    int int32(String what) {
        require(Integer.BYTES, what);
        return window.getInt();
    }

    long int64(String what) {
        require(Long.BYTES, what);
        return window.getLong();
    }

    /** The bits of a number or boolean. */
    long bits(MetadataType type, String what) {
        require(type.bytes(), what);
        long bits = type.load(window, window.position());
        window.position(window.position() + type.bytes());
        return bits;
    }

    /** A number of things that follow, each of at least {@code bytesEach} bytes. */
    int count(int bytesEach, String what) {
        long at = position();
        long count = int64(what);
        if (count < 0 || count > remaining() / bytesEach) {
            throw invalid(
                    at,
                    what + " is " + Long.toUnsignedString(count) + ", but only " + remaining()
                            + " bytes of the file follow");
        }
        if (count > MAX_ARRAY_BYTES / bytesEach) {
            throw invalid(
                    at, what + " is " + count + ", more than the " + MAX_ARRAY_BYTES / bytesEach + " that can be held");
        }
        return (int) count;
    }

    /** A string, whose bytes need not be UTF-8. */
    MetadataValue.Text text(String what) {
        return new MetadataValue.Text(ByteBuffer.wrap(bytes(count(1, what))));
    }

    /** A string that names something: UTF-8 of at most {@code limit} bytes. */
    String name(int limit, String what) {
        long at = position();
        int length = count(1, what);
        if (length > limit) {
            throw invalid(at, what + " is " + length + ", the limit is " + limit);
        }
        byte[] bytes = bytes(length);
        String name = new String(bytes, StandardCharsets.UTF_8);
        if (name.indexOf(REPLACEMENT) >= 0 && !Arrays.equals(bytes, name.getBytes(StandardCharsets.UTF_8))) {
            throw invalid(at, "the " + length + " bytes behind " + what + " are not UTF-8: " + name);
        }
        return name;
    }

    /** Strings, whose number has been checked by {@link #count}. */
    PackedStrings strings(int count, String what) {
        long begin = position();
        int[] starts = new int[count + 1];
        long size = Long.BYTES;
        for (int i = 0; i < count; i++) {
            starts[i] = (int) size;
            long length = int64(what);
            if (length < 0 || length > remaining()) {
                throw invalid(
                        position() - Long.BYTES,
                        what + " is " + Long.toUnsignedString(length) + ", but only " + remaining()
                                + " bytes of the file follow");
            }
            size += length + Long.BYTES;
            if (size > MAX_ARRAY_BYTES) {
                throw invalid(
                        begin,
                        "an array of strings takes more than the " + MAX_ARRAY_BYTES + " bytes that can be held");
            }
            seek(begin + size - Long.BYTES);
        }
        starts[count] = (int) size;
        seek(begin);
        return new PackedStrings(bytes((int) size - Long.BYTES), starts);
    }

    /** The next bytes, whose number has been checked by {@link #count}. */
    byte[] bytes(int length) {
        byte[] bytes = new byte[length];
        if (length <= window.remaining()) {
            window.get(bytes);
        } else {
            long position = position();
            MemorySegment.copy(file, ValueLayout.JAVA_BYTE, position, bytes, 0, length);
            seek(position + length);
        }
        return bytes;
    }

    InvalidModelException invalid(long offset, String message) {
        return new InvalidModelException(path, offset, message);
    }

    private void seek(long position) {
        if (position >= windowStart && position <= windowStart + window.limit()) {
            window.position((int) (position - windowStart));
        } else {
            windowStart = position;
            window.limit(0);
        }
    }

    /** Makes sure that the window holds the next bytes. */
    private void require(int bytes, String what) {
        if (window.remaining() >= bytes) {
            return;
        }
        long position = position();
        long left = file.byteSize() - position;
        if (left < bytes) {
            throw invalid(position, "the file ends within " + what + ": " + bytes + " bytes wanted, " + left + " left");
        }
        int filled = (int) Math.min(window.capacity(), left);
        MemorySegment.copy(file, ValueLayout.JAVA_BYTE, position, window.array(), 0, filled);
        windowStart = position;
        window.limit(filled).position(0);
    }
}
