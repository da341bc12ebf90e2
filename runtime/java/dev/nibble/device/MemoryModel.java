package dev.nibble.device;

import dev.nibble.UnsupportedFeatureException;

/** What a model takes of a device's memory: known of a device that is open, and of one that is only thought of. */
public interface MemoryModel {
    /** The name under which options select the device: {@code cpu}, {@code cuda:1} … */
    String name();

    /** Memory that can still be allocated, in bytes, as far as the device can tell. */
    long freeMemory();

    /** Memory that the driver keeps for itself beside what is free; 0 where it has taken that already. */
    default long reservedBytes() {
        return 0;
    }

    /**
     * The memory that a weight takes once it is loaded.
     *
     * @throws UnsupportedFeatureException if the device cannot do this weight: names the tensor, the device and what works
     */
    long weightBytes(WeightShape shape, WeightUse use);

    /**
     * The memory that a weight takes on its way, beside its own: other weights share it, and it is given back before a KV cache is
     * allocated.
     */
    default long stagingBytes(WeightShape shape) {
        return 0;
    }

    /**
     * Whether a weight has the same layout for all uses, so that one that was loaded for one use {@link Weight#serves} the others too.
     */
    default boolean hasOneLayout() {
        return false;
    }

    /**
     * The memory that the device takes by itself for steps of a form, beside weights, buffers and caches: for what the kernels of one
     * operation leave for each other, and for what copies go through.
     */
    default long workspaceBytes(StepForm form) {
        return 0;
    }
}
