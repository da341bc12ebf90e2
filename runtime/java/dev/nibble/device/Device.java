package dev.nibble.device;

import dev.nibble.OutOfCapacityException;
import dev.nibble.UnsupportedFeatureException;
import java.util.List;
import java.util.Optional;

/**
 * A processor with memory of its own that runs {@link Operation}s. A device knows operations, not models. Buffers, weights,
 * pages and steps belong to the device that made them.
 *
 * <p>The arithmetic is the same on all devices. Against an integer-quantized weight, an activation row is quantized to int8 in
 * blocks of 32 ({@link Operation.Quantize}), dot products are exact integers, and scales are applied in float32; weights of
 * F32, F16 and BF16 take the float activations. So devices differ by the order of float additions only. A device may be opened
 * for another {@link Arithmetic}.
 */
public interface Device extends AutoCloseable {
    /** The name under which options select it: {@code cpu}, {@code reference} … */
    String name();

    /** One line for people: the hardware, the instructions or driver used. */
    String description();

    /** Worker threads of a device that runs on the CPU; 0 for others. */
    int threads();

    /** Memory that can still be allocated, in bytes, as far as the device can tell. */
    long freeMemory();

    /**
     * The memory that {@link #load} will take.
     *
     * @throws UnsupportedFeatureException if the device cannot do this weight: names the tensor, the device and what works
     */
    long weightBytes(WeightShape shape, WeightUse use);

    /**
     * Whether {@link #load} gives a weight the same layout for all uses, so that one that was loaded for one use {@link Weight#serves} the
     * others too.
     */
    default boolean hasOneLayout() {
        return false;
    }

    /**
     * Loads a weight into the device's own layout.
     *
     * @throws UnsupportedFeatureException as {@link #weightBytes}
     * @throws OutOfCapacityException if memory is exhausted
     */
    Weight load(WeightSource source, WeightUse use);

    /**
     * The memory that the device takes by itself for steps of a form, beside weights, buffers and caches: for what the kernels of one
     * operation leave for each other, and for what copies go through.
     */
    default long workspaceBytes(StepForm form) {
        return 0;
    }

    /** Allocates a buffer; its content is undefined. */
    Buffer allocate(ElementType type, int rows, int width);

    /**
     * Allocates the KV cache of one layer.
     *
     * @throws UnsupportedFeatureException if the device cannot do this layout: names the device and what works
     */
    KvPages allocateKv(KvLayout layout, int pages);

    /**
     * Makes a list of operations ready to run. The device may fuse neighbours.
     *
     * @throws UnsupportedFeatureException if it cannot do one of them
     */
    Step prepare(List<Operation> operations);

    /** The device's queue. */
    Queue queue();

    /**
     * Another device of this kind, with one thread, to run a small model on while this device loads a large one. Empty for
     * devices that gain nothing by it: those whose kernels are not compiled as they run.
     */
    default Optional<Device> stage() {
        return Optional.empty();
    }

    /**
     * Waits until what was loaded can be worked on at full speed, where that takes preparations which the device would otherwise make
     * beside its work. May be called while steps run.
     *
     * @throws IllegalStateException if the device is closed
     */
    default void warmUp() {}

    /** Prepares a measurement of the device's limits; empty if there is none for it. The caller closes it before the device. */
    default Optional<Roofline> openRoofline() {
        return Optional.empty();
    }

    /** Frees everything that the device made. Closing again does nothing. */
    @Override
    void close();
}
