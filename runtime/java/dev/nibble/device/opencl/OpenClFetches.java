package dev.nibble.device.opencl;

import dev.nibble.device.Queue;
import dev.nibble.foreign.OpenCl;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** Copies to the host of which two may be on their way. Used by the thread that holds the device's lock. */
final class OpenClFetches {
    /** What a copy can have: the tokens of so many sequences. */
    static final int MOST_BYTES = 4096;

    private final Slot[] slots = {new Slot(), new Slot()};
    private final OpenClDevice device;
    private final OpenCl calls;
    private int next;

    OpenClFetches(OpenClDevice device, OpenCl calls) {
        this.device = device;
        this.calls = calls;
    }

    /** Memory that a copy goes to, and the event of its end. */
    private final class Slot {
        private final MemorySegment memory = Arena.ofAuto().allocate(MOST_BYTES);
        private MemorySegment target = MemorySegment.NULL;
        private long event;
        private Runnable after = () -> {};

        Queue.Fetch begin(long queue, long source, MemorySegment wanted, Runnable then) {
            finish(target);
            event = calls.readWithEvent(queue, source, 0, memory.asSlice(0, wanted.byteSize()));
            calls.flush(queue);
            target = wanted;
            after = then;
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
            target = MemorySegment.NULL;
            calls.await(event);
            wanted.copyFrom(memory.asSlice(0, wanted.byteSize()));
            after.run();
        }

        void forget() {
            if (target != MemorySegment.NULL) {
                target = MemorySegment.NULL;
                calls.forget(event);
            }
        }
    }

    /**
     * Enqueues a copy of 4 to {@link #MOST_BYTES} bytes.
     *
     * @param after is run when it was waited for
     */
    Queue.Fetch begin(long queue, long source, MemorySegment target, Runnable after) {
        Slot slot = slots[next];
        next = (next + 1) % slots.length;
        return slot.begin(queue, source, target, after);
    }

    /** Lets go of what nobody waited for; the device has nothing left to do. */
    void close() {
        for (Slot slot : slots) {
            slot.forget();
        }
    }
}
