package dev.nibble.device.cpu;

import org.jspecify.annotations.Nullable;

/**
 * Brings weights to huge pages once a device has worked for a while. Memory comes quicker in small pages, so a start takes those; huge
 * pages are read up to a third faster, so whatever runs longer than a moment should have them.
 */
final class HugePages implements AutoCloseable {
    /** A short run ends before this and is spared the work. */
    private static final long DELAY_MILLIS = 2000;

    /** It takes a fifth of a processor. */
    private static final int REST = 4;

    private final WeightMemory weights;
    private @Nullable Thread thread;
    private boolean closed;

    HugePages(WeightMemory weights) {
        this.weights = weights;
    }

    /** Tells that the device works. */
    synchronized void deviceWorks() {
        if (thread == null && !closed) {
            thread = Thread.ofPlatform().name("nibble-pages").daemon().start(this::run);
        }
    }

    private void run() {
        try {
            Thread.sleep(DELAY_MILLIS);
            weights.collapse(REST);
        } catch (InterruptedException e) {
            // The device is closed: there is nothing to move any more.
            Thread.currentThread().interrupt();
        }
    }

    /** Ends the work, or lets it never begin. */
    @Override
    public synchronized void close() {
        closed = true;
        if (thread != null) {
            thread.interrupt();
        }
    }
}
