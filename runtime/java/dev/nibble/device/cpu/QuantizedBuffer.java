package dev.nibble.device.cpu;

import dev.nibble.device.Buffer;
import dev.nibble.device.ElementType;

/**
 * A buffer of activations quantized to int8.
 *
 * @param content the rows in the forms that products read
 */
record QuantizedBuffer(QuantizedActivations content) implements Buffer {
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
