package dev.nibble.device;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A queue on a thread of its own: its order, its failures and its end. */
@Timeout(value = 1, unit = TimeUnit.MINUTES)
class BackgroundDeviceTest {
    /** A queue whose steps are what the test makes of them. */
    private static final class Scripted implements Queue {
        private final List<Integer> written = Collections.synchronizedList(new ArrayList<>());

        @Override
        public void write(Buffer target, long element, MemorySegment source) {
            written.add(source.toArray(ValueLayout.JAVA_INT)[0]);
        }

        @Override
        public void submit(Step step) {
            ((Script) step).action().run();
        }

        @Override
        public void read(Buffer source, long element, MemorySegment target) {
            written.add(-1);
        }
    }

    private record Script(Runnable action) implements Step {}

    private final Scripted scripted = new Scripted();
    private final BackgroundQueue queue = new BackgroundQueue(scripted, "scripted");

    private void write(int value) {
        int[] source = {value};
        queue.write(null, 0, MemorySegment.ofArray(source));
        source[0] = 99;
    }

    private void read() {
        queue.read(null, 0, MemorySegment.ofArray(new int[1]));
    }

    @Test
    void theCallerGoesOnWhileAStepRunsAndReadsInOrder() throws Exception {
        CountDownLatch go = new CountDownLatch(1);
        queue.submit(new Script(() -> awaitQuietly(go)));
        write(1);
        queue.submit(new Script(() -> scripted.written.add(2)));
        write(3);
        assertTrue(scripted.written.isEmpty());
        Thread.ofPlatform().start(go::countDown);
        read();
        assertEquals(List.of(1, 2, 3, -1), scripted.written);
        queue.close();
    }

    @Test
    void noMoreThanTwoStepsWait() throws Exception {
        CountDownLatch go = new CountDownLatch(1);
        queue.submit(new Script(() -> awaitQuietly(go)));
        queue.submit(new Script(() -> {}));
        Thread third = Thread.ofPlatform().start(() -> queue.submit(new Script(() -> scripted.written.add(3))));
        third.join(100);
        assertTrue(third.isAlive());
        go.countDown();
        third.join();
        read();
        assertEquals(List.of(3, -1), scripted.written);
        queue.close();
    }

    @Test
    void aFailureComesOutOfEveryLaterCallAndNothingRunsAfterIt() {
        DeviceException failure = new DeviceException("position 5 is out of range");
        CountDownLatch go = new CountDownLatch(1);
        queue.submit(new Script(() -> {
            awaitQuietly(go);
            throw failure;
        }));
        write(1);
        go.countDown();
        assertSame(failure, assertThrows(DeviceException.class, this::read));
        assertSame(failure, assertThrows(DeviceException.class, () -> write(2)));
        assertSame(failure, assertThrows(DeviceException.class, () -> queue.submit(new Script(() -> {}))));
        assertEquals(List.of(), scripted.written);
        queue.close();
        queue.close();
    }

    @Test
    void closingWaitsForTheStepThatRunsAndDropsTheRest() throws Exception {
        CountDownLatch begun = new CountDownLatch(1);
        CountDownLatch go = new CountDownLatch(1);
        queue.submit(new Script(() -> {
            begun.countDown();
            awaitQuietly(go);
            scripted.written.add(1);
        }));
        write(2);
        begun.await();
        Thread closing = Thread.ofPlatform().start(queue::close);
        closing.join(100);
        assertTrue(closing.isAlive());
        go.countDown();
        closing.join();
        assertEquals(List.of(1), scripted.written);
        var error = assertThrows(IllegalStateException.class, () -> write(3));
        assertEquals("device scripted is closed", error.getMessage());
    }

    @Test
    void theDeviceIsStillItself() {
        Device plain = Devices.open("cpu", new DeviceOptions(1, false));
        Device device = new BackgroundDevice(plain);
        assertEquals(plain.name(), device.name());
        assertEquals(plain.description(), device.description());
        Buffer live = device.allocate(ElementType.I32, 1, 1);
        Buffer x = device.allocate(ElementType.F32, 2, 32);
        Buffer order = device.allocate(ElementType.I32, 2, 1);
        Buffer out = device.allocate(ElementType.F32, 2, 32);
        device.queue().write(live, 0, MemorySegment.ofArray(new int[] {2}));
        device.queue().write(order, 0, MemorySegment.ofArray(new int[] {1, 0}));
        float[] values = new float[64];
        values[5] = 1;
        device.queue().write(x, 0, MemorySegment.ofArray(values));
        device.queue().submit(device.prepare(List.of(new Operation.Gather(new RowCount(live, 2), x, order, out))));
        float[] read = new float[64];
        device.queue().read(out, 0, MemorySegment.ofArray(read));
        values[5] = 0;
        values[32 + 5] = 1;
        assertArrayEquals(values, read);
        device.close();
        assertThrows(IllegalStateException.class, () -> plain.allocate(ElementType.I32, 1, 1));
    }

    private static void awaitQuietly(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }
}
