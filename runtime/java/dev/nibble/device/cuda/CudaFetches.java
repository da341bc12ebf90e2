package dev.nibble.device.cuda;

import dev.nibble.device.Queue;
import dev.nibble.foreign.Cuda;
import dev.nibble.foreign.CudaException;
import dev.nibble.foreign.CudaMemory;
import dev.nibble.foreign.CudaStreams;
import java.lang.foreign.MemorySegment;

/** Copies to the host of which two may be on their way. Used by the thread that holds the device's lock. */
final class CudaFetches {
    /** What a copy can have: the tokens of so many sequences. */
    static final int MOST_BYTES = 4096;

    private static final int COUNT = 2;

    private final Slot[] slots = new Slot[COUNT];
    private final CudaDevice device;
    private final Cuda calls;
    private final MemorySegment pinned;
    private int next;

    /** Made in the device's context. */
    CudaFetches(CudaDevice device, Cuda calls) {
        this.device = device;
        this.calls = calls;
        this.pinned = calls.memory().allocateHost((long) COUNT * MOST_BYTES, CudaMemory.PORTABLE);
        for (int i = 0; i < COUNT; i++) {
            try {
                slots[i] = new Slot(
                        pinned.asSlice((long) i * MOST_BYTES, MOST_BYTES),
                        calls.streams().createEvent(CudaStreams.EVENT_DISABLE_TIMING));
            } catch (CudaException e) {
                close();
                throw e;
            }
        }
    }

    /** Pinned memory, and the event that marks the end of the copy to it. */
    private final class Slot {
        private final MemorySegment memory;
        private final long event;
        private MemorySegment target = MemorySegment.NULL;

        Slot(MemorySegment memory, long event) {
            this.memory = memory;
            this.event = event;
        }

        Queue.Fetch begin(long source, MemorySegment wanted, long stream) {
            finish(target);
            calls.memory().toHost(memory.asSlice(0, wanted.byteSize()), source, stream);
            calls.streams().record(event, stream);
            target = wanted;
            return () -> {
                // Another fetch may have this slot since: then it was waited for.
                if (target == wanted) {
                    device.exclusively(() -> finish(wanted));
                }
            };
        }

        private void finish(MemorySegment wanted) {
            if (target != wanted || wanted == MemorySegment.NULL) {
                return;
            }
            device.queue().await(event);
            target = MemorySegment.NULL;
            wanted.copyFrom(memory.asSlice(0, wanted.byteSize()));
        }
    }

    /** Enqueues a copy of at most {@link #MOST_BYTES} bytes. */
    Queue.Fetch begin(long source, MemorySegment target, long stream) {
        Slot slot = slots[next];
        next = (next + 1) % COUNT;
        return slot.begin(source, target, stream);
    }

    /** Frees the pinned memory; the device has nothing left to do. */
    void close() {
        for (Slot slot : slots) {
            if (slot != null) {
                device.access().release(() -> calls.streams().destroyEvent(slot.event));
            }
        }
        device.access().release(() -> calls.memory().freeHost(pinned));
    }
}
