package dev.nibble.cli;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * What Ctrl-C does: it asks a command that generates to stop, and gives it a moment to end in order; others just end. The JVM
 * then exits with the usual status, 130.
 */
final class Interruption {
    private static final int SECONDS_TO_END = 3;

    private final AtomicReference<@Nullable Runnable> action = new AtomicReference<>();
    private final CountDownLatch ended = new CountDownLatch(1);

    /** Listens for the signals that end the process. */
    static Interruption ofProcess() {
        Interruption interruption = new Interruption();
        Runtime.getRuntime().addShutdownHook(new Thread(interruption::stop, "interruption"));
        return interruption;
    }

    /** What to do when the signal comes: something quick that makes the command end. */
    void cancelWith(Runnable cancel) {
        action.set(cancel);
    }

    /** The command has ended; nothing needs to be stopped. */
    void end() {
        ended.countDown();
    }

    private void stop() {
        try {
            Runnable cancel = action.get();
            if (cancel != null && ended.getCount() > 0) {
                cancel.run();
                ended.await(SECONDS_TO_END, TimeUnit.SECONDS);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
