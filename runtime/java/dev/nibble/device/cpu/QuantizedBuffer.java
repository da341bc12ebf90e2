package dev.nibble.device.cpu;

import dev.nibble.device.Buffer;
import dev.nibble.device.ElementType;

/**
 * A buffer of quantized activations.
 *
 * @param content the rows in the forms that products read
 */
record QuantizedBuffer(QuantizedContent content) implements Buffer {
    /** The rows of a buffer of a step that quantizes them so. */
    static <T extends QuantizedContent> T content(Buffer buffer, Class<T> type) {
        return type.cast(((QuantizedBuffer) buffer).content());
    }

    @Override
    public ElementType type() {
        return ElementType.Q8;
    }

    @Override
    public int rows() {
        return content.rows();
    }

    @Override
    public int width() {
        return content.columns();
    }

    @Override
    public long bytes() {
        return content.bytes();
    }

    /** Nothing to free: the content lies on the Java heap. */
    @Override
    public void close() {}
}
