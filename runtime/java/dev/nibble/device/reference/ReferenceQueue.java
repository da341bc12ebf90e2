package dev.nibble.device.reference;

import dev.nibble.device.Buffer;
import dev.nibble.device.Operation;
import dev.nibble.device.Queue;
import dev.nibble.device.Step;
import java.lang.foreign.MemorySegment;

/** Runs each step before {@link #submit} returns, so an error comes out of the call that caused it. */
final class ReferenceQueue implements Queue {
    private final ReferenceDevice device;
    private final Kernels kernels;

    ReferenceQueue(ReferenceDevice device, Kernels kernels) {
        this.device = device;
        this.kernels = kernels;
    }

    @Override
    public synchronized void write(Buffer target, long element, MemorySegment source) {
        device.checkOpen();
        device.own(target).write(element, source);
    }

    @Override
    public synchronized void submit(Step step) {
        device.checkOpen();
        if (!(step instanceof ReferenceStep own) || own.device() != device) {
            throw new IllegalArgumentException("the step was prepared by another device");
        }
        for (Operation operation : own.operations()) {
            kernels.run(operation);
        }
    }

    @Override
    public synchronized void read(Buffer source, long element, MemorySegment target) {
        device.checkOpen();
        device.own(source).read(element, target);
    }

    /** Waits for a running call of another thread, and holds off the next while {@code action} runs. */
    synchronized void whileIdle(Runnable action) {
        action.run();
    }
}
