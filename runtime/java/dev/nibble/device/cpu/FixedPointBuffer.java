package dev.nibble.device.cpu;

import dev.nibble.device.Buffer;
import dev.nibble.device.ElementType;

/**
 * A buffer of activations quantized for products in integers.
 *
 * @param content the rows
 */
record FixedPointBuffer(FixedPointRows content) implements Buffer {
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
        return content.width();
    }

    @Override
    public long bytes() {
        return FixedPointRows.bytes(rows(), width());
    }

    /** Nothing to free: the content lies on the Java heap. */
    @Override
    public void close() {}
}
