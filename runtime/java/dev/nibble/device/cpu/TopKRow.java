package dev.nibble.device.cpu;

import dev.nibble.device.Operation;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;

/**
 * {@link Operation.TopK}: a walk over the row that compares vectors with the least value that still counts, and keeps those above it in a
 * heap. Each is one {@code long}: the upper half orders by falling value, the lower one is the place.
 */
final class TopKRow implements RowWork {
    private final CpuBuffer x;
    private final CpuBuffer ids;
    private final CpuBuffer values;
    private final long[][] heaps;

    /** @param threads the threads that may run it */
    TopKRow(Operation.TopK operation, int threads) {
        this.x = (CpuBuffer) operation.x();
        this.ids = (CpuBuffer) operation.ids();
        this.values = (CpuBuffer) operation.values();
        this.heaps = new long[threads][ids.width()];
    }

    @Override
    public int width() {
        return x.width();
    }

    @Override
    public void run(int row, int begin, int end, int thread) {
        long[] heap = heaps[thread];
        select(x.segment(), row * x.rowBytes(), heap);
        Arrays.sort(heap);
        for (int i = 0; i < heap.length; i++) {
            ids.segment().set(ValueLayout.JAVA_INT, row * ids.rowBytes() + i * 4L, (int) heap[i]);
            Rows.set(values.segment(), row * values.rowBytes() + i * 4L, value(heap[i]));
        }
    }

    /** Leaves the smallest keys in the heap, the largest of them, which is the next to go, in front. */
    private void select(MemorySegment row, long at, long[] heap) {
        for (int i = 0; i < heap.length; i++) {
            heap[i] = key(Rows.get(row, at + i * 4L), i);
        }
        for (int i = heap.length / 2 - 1; i >= 0; i--) {
            siftDown(heap, heap[i], i);
        }
        float least = value(heap[0]);
        int i = heap.length;
        for (; i + Lanes.COUNT <= x.width(); i += Lanes.COUNT) {
            // NaN is not at most anything.
            VectorMask<Float> worse = Rows.load(row, at + i * 4L).compare(VectorOperators.LE, least);
            if (!worse.allTrue()) {
                least = offer(heap, row, at, i, i + Lanes.COUNT);
            }
        }
        offer(heap, row, at, i, x.width());
    }

    /** Offers some of the row's values; returns the least that counts from now on. */
    private static float offer(long[] heap, MemorySegment row, long at, int begin, int end) {
        for (int i = begin; i < end; i++) {
            long key = key(Rows.get(row, at + i * 4L), i);
            if (key < heap[0]) {
                siftDown(heap, key, 0);
            }
        }
        return value(heap[0]);
    }

    private static void siftDown(long[] heap, long key, int place) {
        int parent = place;
        for (int child = 2 * parent + 1; child < heap.length; child = 2 * parent + 1) {
            if (child + 1 < heap.length && heap[child + 1] > heap[child]) {
                child++;
            }
            if (heap[child] <= key) {
                break;
            }
            heap[parent] = heap[child];
            parent = child;
        }
        heap[parent] = key;
    }

    private static long key(float value, int place) {
        // Adding zero makes -0 the same as 0. The flip makes the bits of negative floats ascend as signed integers.
        int bits = Float.floatToIntBits(value + 0f);
        int order = bits ^ bits >> 31 & 0x7fff_ffff;
        return (long) ~order << 32 | place;
    }

    private static float value(long key) {
        int order = ~(int) (key >> 32);
        return Float.intBitsToFloat(order ^ order >> 31 & 0x7fff_ffff);
    }
}
