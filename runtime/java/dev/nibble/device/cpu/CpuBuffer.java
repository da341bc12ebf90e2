package dev.nibble.device.cpu;

import dev.nibble.device.Buffer;
import dev.nibble.device.ElementType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** A buffer of floats or integers in native memory, rows one after another. */
final class CpuBuffer implements Buffer {
    private final ElementType type;
    private final int rows;
    private final int width;
    private final NativeMemory memory;
    private final DeviceMemory owner;

    CpuBuffer(ElementType type, int rows, int width, DeviceMemory memory) {
        this.type = type;
        this.rows = rows;
        this.width = width;
        this.owner = memory;
        this.memory = memory.allocate(rows * rowBytes(), "a buffer of " + rows + " x " + width + " " + type);
    }

    @Override
    public ElementType type() {
        return type;
    }

    @Override
    public int rows() {
        return rows;
    }

    @Override
    public int width() {
        return width;
    }

    @Override
    public long bytes() {
        return memory.bytes();
    }

    /** The memory of the device that made the buffer. */
    DeviceMemory owner() {
        return owner;
    }

    /** All rows. */
    MemorySegment segment() {
        return memory.segment();
    }

    /** The distance between rows. */
    long rowBytes() {
        return width * 4L;
    }

    /** Element {@code at} of a buffer of integers. */
    int integer(long at) {
        return segment().get(ValueLayout.JAVA_INT, at * Integer.BYTES);
    }

    @Override
    public void close() {
        memory.close();
    }
}
