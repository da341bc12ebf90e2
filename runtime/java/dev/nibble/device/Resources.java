package dev.nibble.device;

import java.util.ArrayDeque;
import java.util.Deque;

/** What is closed together: the last first, and all of it even if some of it fails to close. */
public final class Resources implements AutoCloseable {
    private final Deque<AutoCloseable> open = new ArrayDeque<>();

    /** Owns nothing yet. */
    public Resources() {}

    /** Closes a resource with the others. */
    public <T extends AutoCloseable> T own(T resource) {
        open.push(resource);
        return resource;
    }

    /**
     * Closes everything; closing again does nothing.
     *
     * @throws RuntimeException the first failure, with those that followed as suppressed
     */
    @Override
    public void close() {
        IllegalStateException failures = new IllegalStateException("not everything was closed");
        closeAfter(failures);
        Throwable[] all = failures.getSuppressed();
        if (all.length == 0) {
            return;
        }
        for (int i = 1; i < all.length; i++) {
            all[0].addSuppressed(all[i]);
        }
        switch (all[0]) {
            case RuntimeException e -> throw e;
            case Error e -> throw e;
            default -> throw new IllegalStateException(all[0]);
        }
    }

    /** Closes everything because of a failure, which takes those of closing along as suppressed. */
    public void closeAfter(Throwable failure) {
        while (!open.isEmpty()) {
            try {
                open.pop().close();
            } catch (Exception | Error e) {
                failure.addSuppressed(e);
            }
        }
    }
}
