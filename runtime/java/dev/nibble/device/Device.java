package dev.nibble.device;

import dev.nibble.OutOfCapacityException;
import dev.nibble.UnsupportedFeatureException;
import java.util.List;
import java.util.Locale;
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
public interface Device extends MemoryModel, AutoCloseable {
    /** One line for people: the hardware, the instructions or driver used. */
    String description();

    /** What devices of equal speed have in common: by default what describes them. */
    default String hardware() {
        return description();
    }

    /** Whether its times say nothing of any hardware. */
    default boolean isSimulated() {
        return description().toLowerCase(Locale.ROOT).contains("simulated");
    }

    /** Worker threads of a device that runs on the CPU; 0 for others. */
    int threads();

    /**
     * Loads a weight into the device's own layout.
     *
     * @throws UnsupportedFeatureException as {@link #weightBytes}
     * @throws OutOfCapacityException if memory is exhausted
     */
    Weight load(WeightSource source, WeightUse use);

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

    /**
     * Lets devices, of which this is the first, add up what each gives, without the program between them.
     *
     * @param devices in the order in which their parts are added, at least two
     * @param buffers of each device, {@link Exchange#BUFFERS} of F32, all of one shape
     * @return an exchange for each device, which the caller closes before devices and buffers; empty if these devices cannot: they
     *     {@link Queue#receive} from each other
     */
    default List<Exchange> openExchanges(List<? extends Device> devices, List<List<Buffer>> buffers) {
        return List.of();
    }

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
