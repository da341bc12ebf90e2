package dev.nibble.gguf;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.AbstractList;
import java.util.List;
import java.util.RandomAccess;

/**
 * Strings as a GGUF file holds them: a length of 8 bytes before the bytes of each. A vocabulary has hundreds of
 * thousands, so they are decoded only when asked for. Unmodifiable.
 */
final class PackedStrings extends AbstractList<String> implements RandomAccess {
    private final byte[] data;

    /** Where the bytes of each string begin; one more for where those of a further one would. */
    private final int[] starts;

    PackedStrings(byte[] data, int[] starts) {
        this.data = data;
        this.starts = starts;
    }

    static PackedStrings of(List<String> values) {
        if (values instanceof PackedStrings packed) {
            return packed;
        }
        ByteArrayOutputStream data = new ByteArrayOutputStream();
        ByteBuffer length = ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        int[] starts = new int[values.size() + 1];
        for (int i = 0; i < values.size(); i++) {
            byte[] bytes = values.get(i).getBytes(StandardCharsets.UTF_8);
            data.writeBytes(length.putLong(0, bytes.length).array());
            starts[i] = data.size();
            data.writeBytes(bytes);
        }
        starts[values.size()] = data.size() + Long.BYTES;
        return new PackedStrings(data.toByteArray(), starts);
    }

    @Override
    public String get(int index) {
        return new String(data, starts[index], length(index), StandardCharsets.UTF_8);
    }

    @Override
    public int size() {
        return starts.length - 1;
    }

    /** The bytes of one string. */
    ByteBuffer bytes(int index) {
        return ByteBuffer.wrap(data, starts[index], length(index)).slice().asReadOnlyBuffer();
    }

    /** All strings with their lengths, as in a file. */
    ByteBuffer data() {
        return ByteBuffer.wrap(data).asReadOnlyBuffer();
    }

    private int length(int index) {
        return starts[index + 1] - Long.BYTES - starts[index];
    }
}
