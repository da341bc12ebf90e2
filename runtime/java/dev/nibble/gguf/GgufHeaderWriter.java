package dev.nibble.gguf;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.WritableByteChannel;
import java.nio.charset.StandardCharsets;
import java.util.List;

/** Writes everything in a GGUF file before the data of its tensors. */
final class GgufHeaderWriter {
    private final WritableByteChannel channel;
    private final ByteBuffer buffer = ByteBuffer.allocate(1 << 16).order(ByteOrder.LITTLE_ENDIAN);

    GgufHeaderWriter(WritableByteChannel channel) {
        this.channel = channel;
    }

    /** Refuses metadata that a reader would refuse. */
    static void check(Metadata metadata) {
        for (String key : metadata.keys()) {
            int bytes = key.getBytes(StandardCharsets.UTF_8).length;
            if (bytes == 0 || bytes > GgufHeader.MAX_KEY_BYTES) {
                throw new IllegalArgumentException(
                        "a metadata key has 1 to " + GgufHeader.MAX_KEY_BYTES + " bytes, not " + bytes);
            }
        }
    }

    /** Refuses a tensor name that a reader would refuse. */
    static void checkName(String name) {
        int bytes = name.getBytes(StandardCharsets.UTF_8).length;
        if (bytes > GgufHeader.MAX_NAME_BYTES) {
            throw new IllegalArgumentException(
                    "tensor name " + name + " has " + bytes + " bytes, the limit is " + GgufHeader.MAX_NAME_BYTES);
        }
    }

    /** The whole header, without the padding before the data. */
    void write(Metadata metadata, List<TensorInfo> tensors) throws IOException {
        int32(GgufHeader.MAGIC);
        int32(GgufHeader.VERSION);
        int64(tensors.size());
        int64(metadata.keys().size());
        for (String key : metadata.keys()) {
            text(key);
            MetadataValue value = metadata.typed(key);
            int32(value.type().id());
            value(value);
        }
        for (TensorInfo tensor : tensors) {
            text(tensor.name());
            int32(tensor.dimensions().size());
            for (long length : tensor.dimensions()) {
                int64(length);
            }
            int32(tensor.type().id());
            int64(tensor.offset());
        }
        flush();
    }

    private void value(MetadataValue value) throws IOException {
        switch (value) {
            case MetadataValue.Scalar scalar -> {
                reserve(Long.BYTES);
                scalar.type().store(scalar.bits(), buffer);
            }
            case MetadataValue.Text text -> text(text.bytes().duplicate());
            case MetadataValue.Array array -> array(array);
        }
    }

    private void array(MetadataValue.Array array) throws IOException {
        int32(array.elementType().id());
        int64(array.length());
        switch (array) {
            case MetadataValue.Numbers numbers ->
                bytes(numbers.data().duplicate().rewind());
            case MetadataValue.Texts texts -> bytes(texts.packed().data());
            case MetadataValue.Nested nested -> {
                for (MetadataValue.Array element : nested.values()) {
                    array(element);
                }
            }
        }
    }

    private void text(String text) throws IOException {
        text(StandardCharsets.UTF_8.encode(text));
    }

    private void text(ByteBuffer bytes) throws IOException {
        int64(bytes.remaining());
        bytes(bytes);
    }

    private void bytes(ByteBuffer bytes) throws IOException {
        if (bytes.remaining() > buffer.capacity()) {
            flush();
            while (bytes.hasRemaining()) {
                channel.write(bytes);
            }
        } else {
            reserve(bytes.remaining());
            buffer.put(bytes);
        }
    }

    private void int32(int value) throws IOException {
        reserve(Integer.BYTES);
        buffer.putInt(value);
    }

    private void int64(long value) throws IOException {
        reserve(Long.BYTES);
        buffer.putLong(value);
    }

    private void reserve(int bytes) throws IOException {
        if (buffer.remaining() < bytes) {
            flush();
        }
    }

    private void flush() throws IOException {
        buffer.flip();
        while (buffer.hasRemaining()) {
            channel.write(buffer);
        }
        buffer.clear();
    }
}
