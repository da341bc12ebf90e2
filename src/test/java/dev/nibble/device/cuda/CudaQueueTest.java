package dev.nibble.device.cuda;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.nibble.device.Activation;
import dev.nibble.device.Buffer;
import dev.nibble.device.ElementType;
import dev.nibble.device.Operation;
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
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** When the host waits for a CUDA device, and when it does not. */
@ExtendWith(NeedsCudaSimulator.class)
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
