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
    private boolean ended;

    HugePages(WeightMemory weights) {
        this.weights = weights;
    }

    /** Tells that the device works. */
    synchronized void deviceWorks() {
        if (thread == null && !ended) {
            thread = Thread.ofPlatform().name("nibble-pages").daemon().start(this::run);
        }
    }

    private void run() {
        try {
            Thread.sleep(DELAY_MILLIS);
            weights.collapse(REST);
        } catch (InterruptedException e) {
            // The device is ended, or somebody waits for the rest and does it at once.
            Thread.currentThread().interrupt();
        }
    }

    /** Does what is left of the work at once, on the calling thread. */
    void finish() {
        close();
        try {
            weights.collapse(0);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Ends the work, or lets it never begin. */
    @Override
    public synchronized void close() {
        ended = true;
        if (thread != null) {
            thread.interrupt();
        }
    }
}
