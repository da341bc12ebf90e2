package dev.nibble.device.cpu;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Threads that stay: {@code threads − 1} daemons and whoever calls {@link #run}. A region of parts is cut into one range per
 * thread; each takes pieces from the front of its own range and, when that is empty, half of what another has left. So threads
 * stream through neighbouring parts, and one that the system holds up is relieved by the others.
 *
 * <p>Between regions a worker spins for a short while, then parks: regions that follow one another closely meet it awake, and
 * an idle pool takes no processor time. Nothing is allocated per region.
 *
 * <p>A range is one word, {@code next << 32 | end}. A claim is a compare-and-set on it; it can succeed only on parts of the
 * running region, since a region ends after its last claimed part is done. So the task is read after the claim.
 */
final class WorkerPool implements AutoCloseable {
    /** Work on the parts {@code begin ≤ part < end}. */
    @FunctionalInterface
    interface Task {
        /** @param thread the number of the calling thread, from 0, to choose scratch memory by */
        void run(int begin, int end, int thread);
    }

    /** What a region will read, for the worker that waits for it to bring near. */
    interface Prefetch {
        /**
         * Asks for a piece of what the thread will read, in a microsecond or so.
         *
         * @param piece counted from 0
         * @return false if there is no such piece
         */
        boolean fetch(int thread, int piece);
    }

    private static final VarHandle WORDS = MethodHandles.arrayElementVarHandle(long[].class);
    private static final VarHandle EPOCH;
    private static final VarHandle REMAINING;

    /** Words lie two cache lines apart, so that processors do not take them from each other. */
    private static final int STRIDE = 16;

    /** Longer than the calling thread works alone between two regions of a step: to be woken takes longer than most regions. */
    private static final int SPINS = 20_000;

    private static final int YIELDS = 200;

    static {
        try {
            MethodHandles.Lookup lookup = MethodHandles.lookup();
            EPOCH = lookup.findVarHandle(WorkerPool.class, "epoch", int.class);
            REMAINING = lookup.findVarHandle(WorkerPool.class, "remaining", int.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private final int threads;
    private final int spins;
    private final long[] ranges;
    private final Worker[] workers;
    private final Fetching caller = new Fetching(0);
    private final ReentrantLock submission = new ReentrantLock();

    private volatile int epoch;
    private volatile int remaining;
    private volatile @Nullable Thread waiting;
    private volatile @Nullable Throwable failure;
    private volatile boolean closed;
    private volatile @Nullable Prefetch upcoming;
    private Task task = (begin, end, thread) -> {};

    /** @param threads all threads that work, the calling one among them */
    WorkerPool(int threads) {
        if (threads < 1) {
            throw new IllegalArgumentException("a pool needs 1 thread or more; given " + threads);
        }
        this.threads = threads;
        // More threads than processors: a spinning thread would keep a working one from running.
        this.spins = threads <= Runtime.getRuntime().availableProcessors() ? SPINS : 1;
        this.ranges = new long[(threads + 1) * STRIDE];
        this.workers = new Worker[threads - 1];
        for (int i = 0; i < workers.length; i++) {
            workers[i] = new Worker(i + 1);
        }
        for (Worker worker : workers) {
            worker.start();
        }
    }

    int threads() {
        return threads;
    }

    /**
     * Runs all parts of a task, the calling thread among the workers, and returns when all are done. One region runs at a time;
     * other callers wait.
     *
     * @throws IllegalStateException if the pool is closed, or if called from within a task
     */
    void run(Task work, int parts) {
        if (submission.isHeldByCurrentThread() || Thread.currentThread() instanceof Worker) {
            throw new IllegalStateException("a task of the pool cannot start another");
        }
        submission.lock();
        try {
            if (closed) {
                throw new IllegalStateException("the device is closed");
            }
            if (threads == 1 || parts <= 1) {
                if (parts > 0) {
                    work.run(0, parts, 0);
                }
                return;
            }
            task = work;
            share(parts);
            workOn(0);
            await();
            rethrow();
        } finally {
            submission.unlock();
        }
    }

    /** Says what one of the next regions will read: while workers wait, they bring it near. */
    void announce(@Nullable Prefetch next) {
        upcoming = next;
    }

    /** The first part that a thread takes of a region. */
    int firstPart(int thread, int parts) {
        return (int) ((long) parts * thread / threads);
    }

    private void share(int parts) {
        remaining = parts;
        for (int thread = 0; thread < threads; thread++) {
            long begin = firstPart(thread, parts);
            long end = firstPart(thread + 1, parts);
            WORDS.setRelease(ranges, (thread + 1) * STRIDE, begin << 32 | end);
        }
        int unused = (int) EPOCH.getAndAdd(this, 1);
        for (Worker worker : workers) {
            if (worker.parked) {
                LockSupport.unpark(worker);
            }
        }
    }

    /** Takes and runs parts until no range has any. */
    private void workOn(int thread) {
        int done = 0;
        for (long claim = claim(thread); claim != 0; claim = claim(thread)) {
            int begin = (int) (claim >>> 32);
            int end = (int) claim;
            try {
                task.run(begin, end, thread);
            } catch (Throwable e) {
                failure = e;
            }
            done += end - begin;
        }
        if (done > 0 && (int) REMAINING.getAndAdd(this, -done) == done) {
            Thread submitter = waiting;
            if (submitter != null) {
                LockSupport.unpark(submitter);
            }
        }
    }

    /** Parts as {@code begin << 32 | end}, or 0 if there are none: no claim is empty, so none is 0. */
    private long claim(int thread) {
        long own = claimFront(thread);
        for (int i = 1; own == 0 && i < threads; i++) {
            own = claimBack((thread + i) % threads);
        }
        return own;
    }

    private long claimFront(int thread) {
        int at = (thread + 1) * STRIDE;
        while (true) {
            long word = (long) WORDS.getAcquire(ranges, at);
            int next = (int) (word >>> 32);
            int end = (int) word;
            if (next >= end) {
                return 0;
            }
            int taken = next + Math.max(1, (end - next) / 4);
            if (WORDS.compareAndSet(ranges, at, word, (long) taken << 32 | end)) {
                return (long) next << 32 | taken;
            }
        }
    }

    private long claimBack(int victim) {
        int at = (victim + 1) * STRIDE;
        while (true) {
            long word = (long) WORDS.getAcquire(ranges, at);
            int next = (int) (word >>> 32);
            int end = (int) word;
            if (next >= end) {
                return 0;
            }
            int left = end - Math.max(1, (end - next) / 2);
            if (WORDS.compareAndSet(ranges, at, word, (long) next << 32 | left)) {
                return (long) left << 32 | end;
            }
        }
    }

    private void await() {
        for (int i = 0; i < spins && remaining != 0; i++) {
            if (!caller.fetchAhead()) {
                Thread.onSpinWait();
            }
        }
        for (int i = 0; i < YIELDS && remaining != 0; i++) {
            Thread.yield();
        }
        if (remaining != 0) {
            waiting = Thread.currentThread();
            while (remaining != 0) {
                LockSupport.park(this);
            }
            waiting = null;
        }
    }

    private void rethrow() {
        Throwable thrown = failure;
        if (thrown == null) {
            return;
        }
        failure = null;
        switch (thrown) {
            case RuntimeException e -> throw e;
            case Error e -> throw e;
            default -> throw new IllegalStateException(thrown);
        }
    }

    /** Ends and joins the threads, after the region that runs. Closing again does nothing. */
    @Override
    public void close() {
        submission.lock();
        try {
            closed = true;
            for (Worker worker : workers) {
                LockSupport.unpark(worker);
            }
        } finally {
            submission.unlock();
        }
        boolean interrupted = false;
        for (Worker worker : workers) {
            while (worker.isAlive()) {
                try {
                    worker.join();
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    /** The threads that the pool started; for tests. */
    Thread[] workers() {
        return workers.clone();
    }

    private final class Worker extends Thread {
        private final int number;
        private volatile boolean parked;
        private final Fetching fetching;

        Worker(int number) {
            super("nibble-cpu-" + number);
            this.number = number;
            this.fetching = new Fetching(number);
            setDaemon(true);
        }

        @Override
        public void run() {
            int seen = 0;
            while (true) {
                seen = awaitRegion(seen);
                if (closed) {
                    return;
                }
                workOn(number);
            }
        }

        private int awaitRegion(int seen) {
            for (int i = 0; i < spins; i++) {
                if (epoch != seen || closed) {
                    return epoch;
                }
                if (!fetching.fetchAhead()) {
                    Thread.onSpinWait();
                }
            }
            parked = true;
            while (epoch == seen && !closed) {
                LockSupport.park(WorkerPool.this);
            }
            parked = false;
            return epoch;
        }
    }

    /** What a waiting thread brings near: what the thread will read first of what was announced. */
    private final class Fetching {
        private final int thread;
        /** What was brought near last, and how much of it; -1: all. */
        private @Nullable Prefetch fetched;

        private int pieces;

        Fetching(int thread) {
            this.thread = thread;
        }

        /** Returns false if there is nothing left to bring near. */
        private boolean fetchAhead() {
            Prefetch next = upcoming;
            if (next == null) {
                return false;
            }
            if (next != fetched) {
                fetched = next;
                pieces = 0;
            }
            if (pieces < 0) {
                return false;
            }
            pieces = next.fetch(thread, pieces) ? pieces + 1 : -1;
            return true;
        }
    }
}
