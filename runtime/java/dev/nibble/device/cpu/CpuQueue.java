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
        MemorySegment memory = words(target, element, source.byteSize());
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
        MemorySegment memory = words(source, element, target.byteSize());
        MemorySegment.copy(memory, element * Integer.BYTES, target, 0, target.byteSize());
    }

    /** The memory of a buffer, in which {@code bytes} bytes from an element on must lie. */
    private MemorySegment words(Buffer buffer, long element, long bytes) {
        if (!(buffer instanceof CpuBuffer words) || !device.owns(buffer)) {
            throw new IllegalArgumentException(
                    "the host can read and write buffers of F32 and I32 of this device, not one of " + buffer.type());
        }
        MemorySegment memory = words.segment();
        long room = memory.byteSize() / Integer.BYTES - element;
        if (element < 0 || bytes % Integer.BYTES != 0 || bytes / Integer.BYTES > room) {
            throw new IllegalArgumentException(
                    bytes + " bytes from element " + element + " on do not lie in a buffer of " + buffer.type() + " ("
                            + buffer.rows() + ", " + buffer.width() + ")");
        }
        return memory;
    }
}
