package dev.nibble.device.cuda;

import dev.nibble.device.Resources;
import dev.nibble.device.kernel.Allocation;
import dev.nibble.foreign.Cuda;
import dev.nibble.foreign.CudaMemory;
import dev.nibble.foreign.CudaStreams;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.function.LongConsumer;

/**
 * What weights lie in on their way to the device. While the host fills one slot, the device copies another to its own memory, on a stream
 * for that alone, and repacks a third one.
 */
final class WeightSlots implements AutoCloseable {
    static final int COUNT = 3;

    private final CudaDevice device;
    private final Cuda calls;
    private final long bytes;
    private final Resources resources = new Resources();
    private final List<Slot> slots = new ArrayList<>();

    /** Where the slots are copied, beside the device's own stream. */
    private final long copies;

    private int next;

    /**
     * Room for a piece of a weight.
     *
     * @param host pinned memory
     * @param raw device memory
     * @param copied when the copy from one to the other is done
     * @param free when the device has done with both
     */
    record Slot(MemorySegment host, Allocation raw, long copied, long free) {}

    /**
     * Allocates the slots.
     *
     * @param bytes of each
     */
    WeightSlots(CudaDevice device, Cuda calls, long bytes) {
        this.device = device;
        this.calls = calls;
        this.bytes = bytes;
        try {
            this.copies = device.supply(
                    () -> own(calls.streams().create(CudaStreams.NON_BLOCKING), calls.streams()::destroy));
            for (int i = 0; i < COUNT; i++) {
                slots.add(slot());
            }
        } catch (RuntimeException | Error e) {
            resources.closeAfter(e);
            throw e;
        }
    }

    private Slot slot() {
        Allocation raw = resources.own(device.memory().allocate(bytes, "the way of weights to the device"));
        return device.supply(() -> {
            MemorySegment host = calls.memory().allocateHost(bytes, CudaMemory.PORTABLE);
            own(host.address(), address -> calls.memory().freeHost(host));
            return new Slot(host, raw, event(), event());
        });
    }

    private long event() {
        return own(
                calls.streams().createEvent(CudaStreams.EVENT_DISABLE_TIMING),
                event -> calls.streams().destroyEvent(event));
    }

    private long own(long handle, LongConsumer destroy) {
        resources.own(() -> device.access().locked(() -> device.access().release(() -> destroy.accept(handle))));
        return handle;
    }

    /** Bytes of a slot. */
    long bytes() {
        return bytes;
    }

    /** A slot that the device has done with: waits for it. */
    Slot next() {
        Slot slot = slots.get(next++ % COUNT);
        device.exclusively(() -> calls.streams().synchronizeEvent(slot.free));
        return slot;
    }

    /** Enqueues the copy of the first bytes of a slot to the device, and what is to be done there once they came. */
    void send(Slot slot, long length, List<KernelLaunch> launches) {
        calls.memory().toDevice(slot.raw.handle(), slot.host.asSlice(0, length), copies);
        calls.streams().record(slot.copied, copies);
        device.queue().launch(launches, slot.copied, slot.free);
    }

    /** Frees all of it when the device has done with it. */
    @Override
    public void close() {
        device.access()
                .locked(() -> device.access().release(() -> calls.streams().synchronize(copies)));
        resources.close();
    }
}
