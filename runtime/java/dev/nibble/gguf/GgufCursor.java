package dev.nibble.gguf;

import dev.nibble.InvalidModelException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * Reads the header of a GGUF file from front to back, little-endian. Every read checks first that the bytes are there,
 * and every count that its elements could be, so nothing is allocated that the rest of the file could not fill.
 */
final class GgufCursor {
    /** Large enough to make refills rare, small enough to stay in a core's cache. */
    private static final int WINDOW_BYTES = 1 << 16;

    /** The longest string or array that fits a Java array. */
    private static final long MAX_ARRAY_BYTES = Integer.MAX_VALUE - 16;

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

    int int8(String what) {
        require(1, what);
        return window.get();
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

    /** A string of at most {@code limit} bytes; {@link MetadataValue.Text} says what becomes of bytes that are not UTF-8. */
    MetadataValue.Text text(int limit, String what) {
        long at = position();
        int length = count(1, what);
        if (length > limit) {
            throw invalid(at, what + " is " + length + ", the limit is " + limit);
        }
        if (length > window.capacity()) {
            byte[] bytes = bytes(length);
            return decode(bytes, 0, length);
        }
        require(length, what);
        MetadataValue.Text text = decode(window.array(), window.position(), length);
        window.position(window.position() + length);
        return text;
    }

    /** The next bytes, whose number has been checked by {@link #count}. */
    byte[] bytes(int length) {
        byte[] bytes = new byte[length];
        MemorySegment.copy(file, ValueLayout.JAVA_BYTE, position(), bytes, 0, length);
        windowStart = position() + length;
        window.limit(0);
        return bytes;
    }

    InvalidModelException invalid(long offset, String message) {
        return new InvalidModelException(path, offset, message);
    }

    private static MetadataValue.Text decode(byte[] bytes, int start, int length) {
        String value = new String(bytes, start, length, StandardCharsets.UTF_8);
        return new MetadataValue.Text(value, undecodable(value, bytes, start, length));
    }

    /** The bytes of a string, if encoding it again would not give them. */
    private static @Nullable ByteBuffer undecodable(String value, byte[] bytes, int start, int length) {
        if (value.indexOf('\uFFFD') < 0) {
            return null;
        }
        byte[] raw = java.util.Arrays.copyOfRange(bytes, start, start + length);
        return java.util.Arrays.equals(raw, value.getBytes(StandardCharsets.UTF_8)) ? null : ByteBuffer.wrap(raw);
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
