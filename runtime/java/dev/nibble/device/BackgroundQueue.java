package dev.nibble.device;

import java.lang.foreign.MemorySegment;
import java.util.OptionalDouble;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;
import org.jspecify.annotations.Nullable;

/**
 * A queue whose work is done on a thread of its own, in order. What fails there comes out of the next call, and nothing runs after
 * it.
 */
final class BackgroundQueue implements Queue, AutoCloseable {
    /** One that runs and one that waits: whoever is faster than the device shall not fill memory with what it is to do. */
    private static final int MOST_STEPS = 2;

    private final Queue queue;
    private final String device;
    private final ExecutorService thread;
    private final Semaphore steps = new Semaphore(MOST_STEPS);
    private volatile @Nullable Throwable failure;

    BackgroundQueue(Queue queue, String device) {
        this.queue = queue;
        this.device = device;
        this.thread = Executors.newSingleThreadExecutor(
                Thread.ofPlatform().name("nibble-" + device).daemon().factory());
    }

    @Override
    public void write(Buffer target, long element, MemorySegment source) {
        MemorySegment copy = MemorySegment.ofArray(new int[Math.toIntExact(source.byteSize() / Integer.BYTES)]);
        copy.copyFrom(source);
        enqueue(() -> queue.write(target, element, copy), () -> {});
    }

    @Override
    public void submit(Step step) {
        steps.acquireUninterruptibly();
        enqueue(() -> queue.submit(step), steps::release);
    }

    @Override
    public OptionalDouble time(Step step) {
        await();
        return queue.time(step);
    }

    @Override
    public void keepTime(boolean wanted) {
        await();
        queue.keepTime(wanted);
    }

    @Override
    public Mark mark() {
        CompletableFuture<Mark> made = new CompletableFuture<>();
        enqueue(
                () -> made.complete(queue.mark()),
                () -> made.completeExceptionally(new IllegalStateException("device " + device + " failed before")));
        return new LaterMark(made);
    }

    /** A mark that the thread makes when it comes to it. */
    private record LaterMark(CompletableFuture<Mark> made) implements Mark {
        @Override
        public double secondsSince(Mark earlier) {
            if (!(earlier instanceof LaterMark before)) {
                throw new IllegalArgumentException("the marks are of different queues");
            }
            return made.join().secondsSince(before.made.join());
        }

        @Override
        public void close() {
            made.thenAccept(Mark::close);
        }
    }

    @Override
    public void read(Buffer source, long element, MemorySegment target) {
        await();
        queue.read(source, element, target);
    }

    /** Waits for all that was enqueued: until the next call, the caller may use what the thread used. */
    void await() {
        CountDownLatch done = new CountDownLatch(1);
        enqueue(() -> {}, done::countDown);
        boolean interrupted = false;
        while (done.getCount() > 0) {
            try {
                done.await();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
        checkFailure();
    }

    /** Lets a step that runs come to its end; what waits does not run any more. Closing again does nothing. */
    @Override
    public void close() {
        if (failure == null) {
            failure = new IllegalStateException("device " + device + " is closed");
        }
        thread.close();
    }

    /** @param after runs after the work, or in its place if there was a failure before */
    private void enqueue(Runnable work, Runnable after) {
        checkFailure();
        thread.execute(() -> {
            try {
                if (failure == null) {
                    work.run();
                }
            } catch (RuntimeException | Error e) {
                failure = e;
            } finally {
                after.run();
            }
        });
    }

    private void checkFailure() {
        switch (failure) {
            case null -> {}
            case Error e -> throw e;
            case RuntimeException e -> throw e;
            default -> throw new IllegalStateException(failure);
        }
    }
}
