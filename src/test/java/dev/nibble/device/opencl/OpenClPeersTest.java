package dev.nibble.device.opencl;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.nibble.device.Buffer;
import dev.nibble.device.ElementType;
import dev.nibble.device.NeedsOpenCl;
import dev.nibble.device.NormKind;
import dev.nibble.device.Operation;
import dev.nibble.device.RowCount;
import dev.nibble.device.Step;
import dev.nibble.device.kernel.PeersContract;
import dev.nibble.foreign.OpenCl;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Collections;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** Copies between devices of one context, and of two contexts. */
@ExtendWith(NeedsOpenCl.class)
class OpenClPeersTest extends PeersContract {
    @Override
    protected OpenClDevice open(int index) {
        Assumptions.assumeTrue(
                OpenClPlatforms.system().devices().size() > index,
                "there is one OpenCL device; PoCL shows two with POCL_DEVICES=\"pthread pthread\"");
        return OpenClDevice.open(OpenClPlatforms.system(), index);
    }

    @Test
    void devicesOfAPlatformShareAContext() {
        try (OpenClDevice first = open(0);
                OpenClDevice second = open(1)) {
            assertTrue(first.sharesContext(second));
            copies(first, second);
            copies(second, first);
        }
    }

    @Test
    void devicesOfTwoContextsCopyThroughTheHost() {
        OpenCl calls = OpenClPlatforms.system().calls();
        long id = OpenClPlatforms.system().devices().getFirst().id();
        long context = calls.createContext(id);
        long queue = calls.createQueue(context, id, 0);
        try (OpenClDevice first = open(0);
                OpenClDevice second = OpenClDevice.attach(context, id, queue)) {
            assertFalse(first.sharesContext(second));
            copies(first, second);
            copies(second, first);
        }
        calls.releaseQueue(queue);
        calls.releaseContext(context);
    }

    /** What was enqueued before the copy is in it, and what is enqueued after it is not. */
    @Test
    void copiesStandInOrder() {
        try (OpenClDevice first = open(0);
                OpenClDevice second = open(1);
                Buffer live = first.allocate(ElementType.I32, 1, 1);
                Buffer ones = first.allocate(ElementType.F32, ROWS, WIDTH);
                Buffer sums = first.allocate(ElementType.F32, ROWS, WIDTH);
                Buffer weight = first.allocate(ElementType.F32, 1, WIDTH);
                Buffer norm = first.allocate(ElementType.F32, ROWS, WIDTH);
                Buffer target = second.allocate(ElementType.F32, ROWS, WIDTH)) {
            first.queue().write(live, 0, MemorySegment.ofArray(new int[] {ROWS}));
            float[] values = new float[ROWS * WIDTH];
            first.queue().write(sums, 0, MemorySegment.ofArray(values));
            Arrays.fill(values, 1);
            first.queue().write(ones, 0, MemorySegment.ofArray(values));
            first.queue().write(weight, 0, MemorySegment.ofArray(Arrays.copyOf(values, WIDTH)));
            Operation add =
                    new Operation.AddNorm(new RowCount(live, ROWS), NormKind.RMS, 1, ones, sums, weight, null, norm);
            Step step = first.prepare(Collections.nCopies(5, add));
            float[] read = new float[ROWS * WIDTH];
            for (int round = 1; round < 5; round++) {
                first.queue().submit(step);
                second.queue().receive(target, first.queue(), sums, ROWS);
                first.queue().submit(step);
                second.queue().read(target, 0, MemorySegment.ofArray(read));
                Arrays.fill(values, 10 * round - 5);
                assertArrayEquals(values, read, "round " + round);
            }
        }
    }
}
