package dev.nibble.device.cpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
class WorkerPoolTest {
    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 7})
    void everyPartRunsOnce(int threads) {
        try (WorkerPool pool = new WorkerPool(threads)) {
            assertEquals(threads, pool.threads());
            for (int parts : new int[] {0, 1, 2, 3, 7, 31, 33, 255, 257, 10_000}) {
                AtomicIntegerArray runs = new AtomicIntegerArray(parts);
                pool.run(
                        (begin, end, thread) -> {
                            assertTrue(thread >= 0 && thread < threads);
                            for (int part = begin; part < end; part++) {
                                runs.incrementAndGet(part);
                            }
                        },
                        parts);
                for (int part = 0; part < parts; part++) {
                    assertEquals(1, runs.get(part), "part " + part + " of " + parts);
                }
            }
        }
    }

    @Test
    void whoWaitsBringsNearWhatWasAnnounced() throws InterruptedException {
        int pieces = 5;
        try (WorkerPool pool = new WorkerPool(2)) {
            // Nothing is announced at first, and workers live on.
            pool.run((begin, end, thread) -> {}, 10);
            for (int announcement = 0; announcement < 3; announcement++) {
                AtomicIntegerArray fetched = new AtomicIntegerArray(pieces + 1);
                AtomicIntegerArray asked = new AtomicIntegerArray(2);
                CountDownLatch all = new CountDownLatch(1);
                pool.announce((thread, piece) -> {
                    assertEquals(asked.getAndIncrement(thread), piece);
                    if (thread == 0) {
                        return piece < pieces; // The caller waits for a moment at the end of a region, or not at all.
                    }
                    fetched.incrementAndGet(piece);
                    if (piece == pieces) {
                        all.countDown();
                    }
                    return piece < pieces;
                });
                pool.run((begin, end, thread) -> {}, 10);
                assertTrue(all.await(30, TimeUnit.SECONDS), () -> "fetched " + fetched);
                // Each piece once, however long the wait.
                pool.run((begin, end, thread) -> {}, 10);
                for (int piece = 0; piece <= pieces; piece++) {
                    assertEquals(1, fetched.get(piece), "piece " + piece);
                }
            }
            assertTrue(pool.workers()[0].isAlive());
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {2, 3, 7})
    void manyTinyRegionsAreSeenWhole(int threads) {
        try (WorkerPool pool = new WorkerPool(threads)) {
            // Plain memory: a region's writes must be visible to the caller and to the next region.
            long[] counts = new long[64];
            for (int region = 0; region < 20_000; region++) {
                pool.run(
                        (begin, end, thread) -> {
                            for (int part = begin; part < end; part++) {
                                counts[part]++;
                            }
                        },
                        1 + region % counts.length);
            }
            long sum = 0;
            for (long count : counts) {
                sum += count;
            }
            long expected = 0;
            for (int region = 0; region < 20_000; region++) {
                expected += 1 + region % counts.length;
            }
            assertEquals(expected, sum);
        }
    }

    @Test
    void aThreadThatIsHeldUpIsRelieved() throws InterruptedException {
        try (WorkerPool pool = new WorkerPool(2)) {
            AtomicInteger done = new AtomicInteger();
            pool.run(
                    (begin, end, thread) -> {
                        if (begin == 0) {
                            long giveUp = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
                            while (done.get() < 100 - end && System.nanoTime() < giveUp) {
                                Thread.onSpinWait();
                            }
                            assertEquals(100 - end, done.get(), "parts done by the other thread");
                        }
                        done.addAndGet(end - begin);
                    },
                    100);
            assertEquals(100, done.get());
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 7})
    void aFailureSurfacesAndThePoolLives(int threads) {
        try (WorkerPool pool = new WorkerPool(threads)) {
            for (int bad : new int[] {0, 50, 99}) {
                IllegalArgumentException failure = new IllegalArgumentException("part " + bad);
                var thrown = assertThrows(
                        IllegalArgumentException.class,
                        () -> pool.run(
                                (begin, end, thread) -> {
                                    if (begin <= bad && bad < end) {
                                        throw failure;
                                    }
                                },
                                100));
                assertSame(failure, thrown);
                AtomicInteger done = new AtomicInteger();
                pool.run((begin, end, thread) -> done.addAndGet(end - begin), 100);
                assertEquals(100, done.get());
            }
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3})
    void aTaskCannotStartAnother(int threads) {
        try (WorkerPool pool = new WorkerPool(threads)) {
            assertThrows(
                    IllegalStateException.class,
                    () -> pool.run((begin, end, thread) -> pool.run((from, to, inner) -> {}, 10), 100));
            AtomicInteger done = new AtomicInteger();
            pool.run((begin, end, thread) -> done.addAndGet(end - begin), 10);
            assertEquals(10, done.get());
        }
    }

    @Test
    void callersTakeTurns() throws InterruptedException {
        try (WorkerPool pool = new WorkerPool(3)) {
            AtomicIntegerArray active = new AtomicIntegerArray(8);
            AtomicInteger done = new AtomicInteger();
            AtomicInteger overlaps = new AtomicInteger();
            Thread[] callers = new Thread[active.length()];
            for (int i = 0; i < callers.length; i++) {
                int number = i;
                WorkerPool.Task task = (begin, end, thread) -> {
                    active.incrementAndGet(number);
                    for (int other = 0; other < active.length(); other++) {
                        if (other != number && active.get(other) != 0) {
                            overlaps.incrementAndGet();
                        }
                    }
                    done.addAndGet(end - begin);
                    active.decrementAndGet(number);
                };
                callers[i] = Thread.ofVirtual().start(() -> {
                    for (int round = 0; round < 200; round++) {
                        pool.run(task, 11);
                    }
                });
            }
            for (Thread caller : callers) {
                caller.join();
            }
            assertEquals(8 * 200 * 11, done.get());
            assertEquals(0, overlaps.get());
        }
    }

    @Test
    void anIdlePoolTakesNoTime() throws InterruptedException {
        ThreadMXBean threads = ManagementFactory.getThreadMXBean();
        try (WorkerPool pool = new WorkerPool(3)) {
            pool.run((begin, end, thread) -> {}, 100);
            Thread.sleep(200);
            long before = time(threads, pool);
            Thread.sleep(500);
            long spent = time(threads, pool) - before;
            assertTrue(spent < 5_000_000, spent + " ns spent by idle threads");
        }
    }

    private static long time(ThreadMXBean threads, WorkerPool pool) {
        long sum = 0;
        for (Thread worker : pool.workers()) {
            sum += threads.getThreadCpuTime(worker.threadId());
        }
        return sum;
    }

    @Test
    void closingEndsTheThreads() {
        WorkerPool pool = new WorkerPool(4);
        pool.run((begin, end, thread) -> {}, 100);
        Thread[] workers = pool.workers();
        assertEquals(3, workers.length);
        pool.close();
        for (Thread worker : workers) {
            assertFalse(worker.isAlive());
        }
        pool.close();
        assertThrows(IllegalStateException.class, () -> pool.run((begin, end, thread) -> {}, 100));
    }

    @Test
    void closingWaitsForTheRegionThatRuns() throws InterruptedException {
        WorkerPool pool = new WorkerPool(2);
        CountDownLatch started = new CountDownLatch(1);
        AtomicInteger done = new AtomicInteger();
        Thread caller = new Thread(() -> pool.run(
                (begin, end, thread) -> {
                    started.countDown();
                    long until = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(5);
                    while (System.nanoTime() < until) {
                        Thread.onSpinWait();
                    }
                    done.addAndGet(end - begin);
                },
                20));
        caller.start();
        started.await();
        pool.close();
        caller.join();
        assertEquals(20, done.get());
    }
}
