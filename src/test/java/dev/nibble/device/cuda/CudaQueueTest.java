package dev.nibble.device.cuda;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.nibble.device.Activation;
import dev.nibble.device.Buffer;
import dev.nibble.device.ElementType;
import dev.nibble.device.HostCopy;
import dev.nibble.device.KvLayout;
import dev.nibble.device.KvPages;
import dev.nibble.device.KvType;
import dev.nibble.device.Operation;
import dev.nibble.device.Queue;
import dev.nibble.device.RowCount;
import dev.nibble.device.Step;
import dev.nibble.device.Weight;
import dev.nibble.device.WeightShape;
import dev.nibble.device.WeightSource;
import dev.nibble.device.WeightUse;
import dev.nibble.foreign.CudaSimulator;
import dev.nibble.gguf.TensorType;
import dev.nibble.simulator.NeedsCudaSimulator;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/** When the host waits for a CUDA device, and when it does not. */
@ExtendWith(NeedsCudaSimulator.class)
@Timeout(60)
class CudaQueueTest {
    private static final int WIDTH = 512;

    private final CudaSimulator simulator = new CudaSimulator();

    /** Not even where the device is slow. */
    @Test
    void onlyReadingWaitsAndThatOnce() {
        try (CudaDevice device = CudaDevice.open(CudaPlatform.system(), 0);
                Buffer live = device.allocate(ElementType.I32, 1, 1);
                Buffer x = device.allocate(ElementType.F32, 3, WIDTH);
                Buffer row = device.allocate(ElementType.F32, 1, WIDTH)) {
            Step step = device.prepare(List.of(new Operation.Gate(new RowCount(live, 3), Activation.SILU, x, x, x)));
            simulator.fail("copy@1+=slow:1");
            for (int i = 0; i < 5; i++) {
                device.queue().write(live, 0, MemorySegment.ofArray(new int[] {3}));
                device.queue().write(x, 0, MemorySegment.ofArray(new float[3 * WIDTH]));
                device.queue().submit(step);
                device.queue().copyRow(x, 2, row);
            }
            assertEquals(0, waits());
            device.queue().read(row, 0, MemorySegment.ofArray(new float[WIDTH]));
            assertEquals(1, waits());
        } finally {
            simulator.fail("");
        }
    }

    private long waits() {
        return simulator.calls("cuStreamSynchronize")
                + simulator.calls("cuCtxSynchronize")
                + simulator.calls("cuEventSynchronize");
    }

    /** What is fetched is what it was then, whatever is enqueued behind it and in whatever order it is awaited. */
    @Test
    void fetchingWaitsForItsOwnCopyAlone() {
        try (CudaDevice device = CudaDevice.open(CudaPlatform.system(), 0);
                Buffer x = device.allocate(ElementType.I32, 1, WIDTH)) {
            int[][] fetched = new int[3][2];
            Queue.Fetch[] fetches = new Queue.Fetch[3];
            simulator.fail("copy@1+=slow:1");
            for (int i = 0; i < 3; i++) {
                device.queue().write(x, 0, MemorySegment.ofArray(new int[] {i, 10 + i}));
                fetches[i] = device.queue().fetch(x, MemorySegment.ofArray(fetched[i]));
                assertEquals(i < 2 ? 0 : 1, waits(), "two are on their way, a third waits for the first");
            }
            fetches[2].await();
            fetches[1].await();
            fetches[1].await();
            fetches[0].await();
            for (int i = 0; i < 3; i++) {
                assertArrayEquals(new int[] {i, 10 + i}, fetched[i]);
            }
            assertEquals(0, simulator.calls("cuStreamSynchronize"));
            assertEquals(3, simulator.calls("cuEventSynchronize"));
        } finally {
            simulator.fail("");
        }
    }

    /** More than there is pinned memory for is read at once; what does not lie in the buffer is refused. */
    @Test
    void fetchingMuchWaits() {
        int width = CudaFetches.MOST_BYTES / 4 + 1;
        try (CudaDevice device = CudaDevice.open(CudaPlatform.system(), 0);
                Buffer x = device.allocate(ElementType.I32, 1, width)) {
            int[] values = new Random(7).ints(width).toArray();
            device.queue().write(x, 0, MemorySegment.ofArray(values));
            int[] fetched = new int[width];
            Queue.Fetch fetch = device.queue().fetch(x, MemorySegment.ofArray(fetched));
            assertArrayEquals(values, fetched);
            fetch.await();
            int[] more = new int[width + 1];
            assertThrows(IllegalArgumentException.class, () -> device.queue().fetch(x, MemorySegment.ofArray(more)));
        }
    }

    /** What does not fit into pinned memory at once is copied in parts, from native memory and from arrays. */
    @Test
    void copiesMoreThanPinnedMemoryHolds() {
        int width = 3 << 20;
        try (CudaDevice device = CudaDevice.open(CudaPlatform.system(), 0);
                Buffer buffer = device.allocate(ElementType.I32, 1, width)) {
            int[] values = new Random(5).ints(width).toArray();
            device.queue().write(buffer, 0, MemorySegment.ofArray(values));
            int[] end = new int[width - 7];
            device.queue().read(buffer, 7, MemorySegment.ofArray(end));
            int[] read = new int[width];
            System.arraycopy(values, 0, read, 0, 7);
            System.arraycopy(end, 0, read, 7, end.length);
            assertArrayEquals(values, read);
        }
    }

    /** More places, and more words, than one launch writes; and one copy that is none of few words. */
    @Test
    void severalCopiesTakeFewCalls() {
        Random random = new Random(6);
        try (CudaDevice device = CudaDevice.open(CudaPlatform.system(), 0);
                Buffer buffer = device.allocate(ElementType.I32, 1, 2000)) {
            int[] expected = random.ints(2000).toArray();
            device.queue().write(buffer, 0, MemorySegment.ofArray(expected));
            int[] sizes = {1, 0, 7, 100, 1, 2, 3, 150, 4, 5, 6, 300, 224, 225, 8};
            List<HostCopy> writes = new ArrayList<>();
            List<HostCopy> reads = new ArrayList<>();
            int element = 3;
            for (int size : sizes) {
                int[] words = random.ints(size).toArray();
                System.arraycopy(words, 0, expected, element, size);
                writes.add(new HostCopy(buffer, element, MemorySegment.ofArray(words)));
                reads.add(new HostCopy(buffer, element, MemorySegment.ofArray(new int[size])));
                element += size + 5;
            }
            simulator.fail("copy@1+=slow:1");
            device.queue().write(writes);
            assertEquals(4, simulator.calls("cuLaunchKernel"));
            assertEquals(2, simulator.calls("cuMemcpyHtoDAsync"));
            assertEquals(0, waits());
            device.queue().read(reads);
            assertEquals(1, waits());
            int[] all = new int[2000];
            device.queue().read(buffer, 0, MemorySegment.ofArray(all));
            assertArrayEquals(expected, all);
            for (int i = 0; i < sizes.length; i++) {
                assertEquals(-1, writes.get(i).memory().mismatch(reads.get(i).memory()), "copy " + i);
            }
        } finally {
            simulator.fail("");
        }
    }

    @Test
    void severalCopiesAreCheckedBeforeAnyIsMade() {
        try (CudaDevice device = CudaDevice.open(CudaPlatform.system(), 0);
                Buffer buffer = device.allocate(ElementType.I32, 1, 2)) {
            device.queue().write(buffer, 0, MemorySegment.ofArray(new int[] {1, 2}));
            List<HostCopy> copies = List.of(
                    new HostCopy(buffer, 0, MemorySegment.ofArray(new int[] {3})),
                    new HostCopy(buffer, 1, MemorySegment.ofArray(new int[2])));
            assertThrows(IllegalArgumentException.class, () -> device.queue().write(copies));
            assertThrows(IllegalArgumentException.class, () -> device.queue().read(copies));
            int[] values = new int[2];
            device.queue().read(buffer, 0, MemorySegment.ofArray(values));
            assertArrayEquals(new int[] {1, 2}, values);
        }
    }

    /** A weight of zeros whose rows cannot be read from one on. */
    private record Zeros(WeightShape shape, long broken) implements WeightSource {
        @Override
        public MemorySegment rows(long firstRow, int count) {
            if (firstRow + count > broken) {
                throw new IllegalStateException("row " + broken + " cannot be read");
            }
            return MemorySegment.ofArray(new byte[(int) (count * shape.rowBytes())]);
        }
    }

    @Test
    void aWeightIsOnItsWayWhenItsRowsAreRead() {
        WeightShape shape = new WeightShape("weight", TensorType.Q4_0, 3, 70, 256);
        try (CudaDevice device = CudaDevice.open(CudaPlatform.system(), 0)) {
            simulator.fail("copy@1+=slow:1");
            Weight weight = device.load(new Zeros(shape, Long.MAX_VALUE), WeightUse.MATRIX);
            assertEquals(0, simulator.calls("cuStreamSynchronize") + simulator.calls("cuCtxSynchronize"));
            assertEquals(3 * 96 * shape.rowBytes(), weight.bytes());
            weight.close();
        } finally {
            simulator.fail("");
        }
    }

    /** While the first piece is repacked, all others are copied. */
    @Test
    void piecesAreCopiedWhileOthersAreRepacked() throws InterruptedException {
        WeightShape shape = new WeightShape("weight", TensorType.Q4_0, WeightSlots.COUNT, 32, 256);
        try (CudaDevice device = CudaDevice.open(CudaPlatform.system(), 0)) {
            simulator.fail("kernel@1=slow:500");
            Weight weight = device.load(new Zeros(shape, Long.MAX_VALUE), WeightUse.MATRIX);
            while (simulator.calls("copy") < WeightSlots.COUNT) {
                Thread.sleep(1);
            }
            assertTrue(simulator.calls("kernel") < 2, "copies wait for the pieces before");
            weight.close();
        } finally {
            simulator.fail("");
        }
    }

    /** What weights go through is gone when the cache is allocated. */
    @Test
    void stagingIsGivenBackBeforeTheCacheIsAllocated() {
        WeightShape shape = new WeightShape("weight", TensorType.Q4_0, 1, 70, 256);
        KvLayout layout = new KvLayout(2, 64, 64, KvType.F16, KvType.F16, 32);
        try (CudaDevice device = CudaDevice.open(CudaPlatform.system(), 0)) {
            long free = device.freeMemory();
            Weight weight = device.load(new Zeros(shape, Long.MAX_VALUE), WeightUse.MATRIX);
            assertEquals(weight.bytes() + device.stagingBytes(shape), free - device.freeMemory());
            KvPages cache = device.allocateKv(layout, 3);
            assertEquals(weight.bytes() + 3 * layout.pageBytes(), free - device.freeMemory());
            cache.close();
            weight.close();
        }
    }

    @Test
    void aWeightThatCannotBeReadLeavesNothing() {
        WeightShape shape = new WeightShape("weight", TensorType.Q4_0, 3, 70, 256);
        try (CudaDevice device = CudaDevice.open(CudaPlatform.system(), 0)) {
            long free = device.freeMemory();
            for (long broken : new long[] {0, 69, 130, 209}) {
                var error = assertThrows(
                        IllegalStateException.class, () -> device.load(new Zeros(shape, broken), WeightUse.TABLE));
                assertEquals("row " + broken + " cannot be read", error.getMessage());
                assertEquals(free, device.freeMemory());
            }
            device.load(new Zeros(shape, 210), WeightUse.TABLE).close();
            assertEquals(free, device.freeMemory());
        }
    }
}
