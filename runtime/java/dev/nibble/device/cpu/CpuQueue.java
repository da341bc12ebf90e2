package dev.nibble.device.cpu;

import dev.nibble.device.Buffer;
import dev.nibble.device.Queue;
import dev.nibble.device.Step;
import java.lang.foreign.MemorySegment;

/** The queue of a CPU: work is done at once, by the calling thread and the pool. */
final class CpuQueue implements Queue {
    private final CpuDevice device;

    CpuQueue(CpuDevice device) {
        this.device = device;
    }

    @Override
    public void write(Buffer target, long element, MemorySegment source) {
        MemorySegment memory = words(target);
        MemorySegment.copy(source, 0, memory, element * Integer.BYTES, source.byteSize());
    }

    @Override
    public void submit(Step step) {
        if (!(step instanceof CpuStep prepared) || prepared.device() != device) {
            throw new IllegalArgumentException("the step was prepared by another device");
        }
        device.run(prepared);
    }

    @Override
    public void read(Buffer source, long element, MemorySegment target) {
        MemorySegment memory = words(source);
        MemorySegment.copy(memory, element * Integer.BYTES, target, 0, target.byteSize());
    }

    private static MemorySegment words(Buffer buffer) {
        if (buffer instanceof CpuBuffer words) {
            return words.segment();
        }
        throw new IllegalArgumentException(
                "the host can read and write buffers of F32 and I32 of this device, not one of " + buffer.type());
    }
}
