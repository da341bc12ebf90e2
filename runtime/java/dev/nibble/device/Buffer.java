package dev.nibble.device;

/** A matrix in a device's memory, of activations, token ids, positions or small weights: (rows, width) elements. */
public interface Buffer extends AutoCloseable {
    /** What the elements are. */
    ElementType type();

    /** The number of rows. */
    int rows();

    /** The number of elements in a row. */
    int width();

    /** The device memory that the buffer takes. */
    long bytes();

    /** Frees the memory; closing again does nothing. */
    @Override
    void close();
}
