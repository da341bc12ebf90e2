package dev.nibble.device;

import java.lang.foreign.MemorySegment;
import java.util.List;

/** A device that says of itself that steps may begin before the results of those before are read, and counts what its queue does. */
public final class AheadDevice extends DelegatingDevice {
    private final CountingQueue queue = new CountingQueue();

    /** @param device is closed with this one */
    public AheadDevice(Device device) {
        super(device);
    }

    /** Steps since this was last asked. */
    public int steps() {
        int steps = queue.steps;
        queue.steps = 0;
        return steps;
    }

    /** Batches that came from the host since this was last asked. */
    public int batches() {
        int batches = queue.batches;
        queue.batches = 0;
        return batches;
    }

    @Override
    public Queue queue() {
        return queue;
    }

    private final class CountingQueue implements Queue {
        private volatile int steps;
        private volatile int batches;

        @Override
        public boolean runsAhead() {
            return true;
        }

        @Override
        public void write(Buffer target, long element, MemorySegment source) {
            device().queue().write(target, element, source);
        }

        @Override
        public void write(List<HostCopy> copies) {
            batches++;
            device().queue().write(copies);
        }

        @Override
        public void submit(Step step) {
            steps++;
            device().queue().submit(step);
        }

        @Override
        public void read(Buffer source, long element, MemorySegment target) {
            device().queue().read(source, element, target);
        }
    }
}
