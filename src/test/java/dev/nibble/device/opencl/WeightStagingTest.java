package dev.nibble.device.opencl;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.nibble.device.NeedsOpenCl;
import dev.nibble.device.kernel.Allocation;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ForkJoinPool;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What becomes of a weight on its way when one of the threads that pack it fails. */
@ExtendWith(NeedsOpenCl.class)
@Timeout(60)
class WeightStagingTest {
    private static final int PIECE = 4096;
    private static final int PIECES = 16;

    /** The first piece fails when another is being written. */
    private static final class FailingFiller implements WeightStaging.Filler {
        final AtomicInteger working = new AtomicInteger();
        private final AtomicBoolean begun = new AtomicBoolean();
        private final CountDownLatch another = new CountDownLatch(1);

        @Override
        public void fill(long offset, MemorySegment piece) {
            working.incrementAndGet();
            try {
                if (begun.compareAndSet(false, true)) {
                    another.await(20, TimeUnit.SECONDS);
                    throw new IllegalStateException("broken at " + offset);
                }
                another.countDown();
                Thread.sleep(200);
                piece.fill((byte) 1);
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            } finally {
                working.decrementAndGet();
            }
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aFailureIsThrownWhenNoThreadWritesAnyMore(boolean sharedMemory) {
        Assumptions.assumeTrue(ForkJoinPool.getCommonPoolParallelism() > 0, "one thread packs alone");
        try (OpenClDevice device = (OpenClDevice)
                        (sharedMemory ? AlteredDevice.ofSmallAllocations(Long.MAX_VALUE) : AlteredDevice.gpu());
                Allocation target = device.memory().allocate(PIECE * PIECES, "a weight")) {
            FailingFiller failing = new FailingFiller();
            var error = assertThrows(
                    IllegalStateException.class, () -> device.staging().fill(target, PIECE, failing));
            assertEquals(0, failing.working.get(), "threads that still write");
            assertEquals("broken at", error.getMessage().substring(0, 9));
            AtomicInteger filled = new AtomicInteger();
            device.staging().fill(target, PIECE, (offset, piece) -> filled.incrementAndGet());
            assertEquals(PIECES, filled.get(), "the way is as it was before");
        }
    }
}
