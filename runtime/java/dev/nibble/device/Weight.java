package dev.nibble.device;

/** A weight tensor on a device, in the layout that the device's kernels read best. */
public interface Weight extends AutoCloseable {
    /** The form of the weight. */
    WeightShape shape();

    /** What it was loaded for. */
    WeightUse use();

    /** Whether operations of this use can work with it. */
    default boolean serves(WeightUse other) {
        return use() == other;
    }

    /** The device memory that it takes. */
    long bytes();

    /** Frees the memory; closing again does nothing. */
    @Override
    void close();
}
