package dev.nibble.device.cpu;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import jdk.incubator.vector.FloatVector;

/** Vector and scalar access to rows of floats in native memory; offsets are in bytes. */
final class Rows {
    private Rows() {}

    static FloatVector load(MemorySegment memory, long at) {
        return FloatVector.fromMemorySegment(Lanes.FLOATS, memory, at, Lanes.ORDER);
    }

    static void store(FloatVector values, MemorySegment memory, long at) {
        values.intoMemorySegment(memory, at, Lanes.ORDER);
    }

    static float get(MemorySegment memory, long at) {
        return memory.get(ValueLayout.JAVA_FLOAT, at);
    }

    static void set(MemorySegment memory, long at, float value) {
        memory.set(ValueLayout.JAVA_FLOAT, at, value);
    }

    /** How many of {@code count} values whole vectors cover. */
    static int whole(int count) {
        return count - count % Lanes.COUNT;
    }

    /** The sum of {@code count} values, {@code mean} taken off each. */
    static double sum(MemorySegment x, long at, int count, float mean) {
        FloatVector sum = FloatVector.zero(Lanes.FLOATS);
        int whole = whole(count);
        for (int i = 0; i < whole; i += Lanes.COUNT) {
            sum = sum.add(load(x, at + i * 4L).sub(mean));
        }
        double total = VectorMath.sum(sum);
        for (int i = whole; i < count; i++) {
            total += get(x, at + i * 4L) - mean;
        }
        return total;
    }

    /** The sum of the squares of {@code count} values, {@code mean} taken off each. */
    static double sumOfSquares(MemorySegment x, long at, int count, float mean) {
        FloatVector even = FloatVector.zero(Lanes.FLOATS);
        FloatVector odd = FloatVector.zero(Lanes.FLOATS);
        int whole = whole(count);
        int i = 0;
        for (; i + 2 * Lanes.COUNT <= whole; i += 2 * Lanes.COUNT) {
            FloatVector first = load(x, at + i * 4L).sub(mean);
            FloatVector second = load(x, at + (i + Lanes.COUNT) * 4L).sub(mean);
            even = first.fma(first, even);
            odd = second.fma(second, odd);
        }
        if (i < whole) {
            FloatVector last = load(x, at + i * 4L).sub(mean);
            even = last.fma(last, even);
        }
        double total = VectorMath.sum(even.add(odd));
        for (i = whole; i < count; i++) {
            float value = get(x, at + i * 4L) - mean;
            total += (double) value * value;
        }
        return total;
    }

    /** target += source. */
    static void add(MemorySegment target, long at, MemorySegment source, long sourceAt, int count) {
        int whole = whole(count);
        for (int i = 0; i < whole; i += Lanes.COUNT) {
            store(load(target, at + i * 4L).add(load(source, sourceAt + i * 4L)), target, at + i * 4L);
        }
        for (int i = whole; i < count; i++) {
            set(target, at + i * 4L, get(target, at + i * 4L) + get(source, sourceAt + i * 4L));
        }
    }
}
