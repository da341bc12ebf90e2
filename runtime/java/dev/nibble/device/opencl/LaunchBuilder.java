package dev.nibble.device.opencl;

import dev.nibble.device.Buffer;
import dev.nibble.foreign.OpenCl;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.jspecify.annotations.Nullable;

/**
 * Sets the arguments of a kernel, in the order of its parameters, then its sizes. The kernel belongs to the step being planned, which
 * releases it.
 */
final class LaunchBuilder {
    private final OpenCl calls;
    private final String name;
    private final long kernel;
    private int index;

    LaunchBuilder(OpenCl calls, String name, long kernel) {
        this.calls = calls;
        this.name = name;
        this.kernel = kernel;
    }

    /** The values of a buffer; a null pointer for none. */
    LaunchBuilder buffer(@Nullable Buffer buffer) {
        return buffer == null ? memory(null) : memory(((OpenClBuffer) buffer).values());
    }

    /** The int8 values, then the blocks, of a buffer of Q8; two null pointers for none. */
    LaunchBuilder quantized(@Nullable Buffer buffer) {
        if (buffer == null) {
            return memory(null).memory(null);
        }
        OpenClBuffer quantized = (OpenClBuffer) buffer;
        return memory(quantized.values()).memory(quantized.blocks());
    }

    /** Device memory; a null pointer for none. */
    LaunchBuilder memory(@Nullable OpenClAllocation memory) {
        try (Arena arena = Arena.ofConfined()) {
            long handle = memory == null ? 0 : memory.handle();
            return argument(arena.allocateFrom(ValueLayout.JAVA_LONG, handle));
        }
    }

    /** A number of type int. */
    LaunchBuilder integer(int value) {
        try (Arena arena = Arena.ofConfined()) {
            return argument(arena.allocateFrom(ValueLayout.JAVA_INT, value));
        }
    }

    /** Four numbers, of type int4. */
    LaunchBuilder integers(int first, int second, int third, int fourth) {
        try (Arena arena = Arena.ofConfined()) {
            return argument(arena.allocateFrom(ValueLayout.JAVA_INT, first, second, third, fourth));
        }
    }

    /** A number of type long. */
    LaunchBuilder wide(long value) {
        try (Arena arena = Arena.ofConfined()) {
            return argument(arena.allocateFrom(ValueLayout.JAVA_LONG, value));
        }
    }

    /** A number of type float. */
    LaunchBuilder real(float value) {
        try (Arena arena = Arena.ofConfined()) {
            return argument(arena.allocateFrom(ValueLayout.JAVA_FLOAT, value));
        }
    }

    /** Memory that the work-items of a group share. */
    LaunchBuilder localMemory(long bytes) {
        calls.setArgument(kernel, index++, bytes, MemorySegment.NULL);
        return this;
    }

    private LaunchBuilder argument(MemorySegment value) {
        calls.setArgument(kernel, index++, value.byteSize(), value);
        return this;
    }

    /** With so many work-groups of so many work-items. */
    Launch groups(long groups, int size) {
        return Launch.of(name, kernel, new long[] {groups * size}, new long[] {size});
    }

    /** With so many work-groups in each dimension, each of so many work-items in the first. */
    Launch groups(long groupsX, long groupsY, int size) {
        return Launch.of(name, kernel, new long[] {groupsX * size, groupsY}, new long[] {size, 1});
    }

    /** With so many work-groups in each of three dimensions, each of so many work-items in the first. */
    Launch box(long groupsX, long groupsY, long groupsZ, int size) {
        return Launch.of(name, kernel, new long[] {groupsX * size, groupsY, groupsZ}, new long[] {size, 1, 1});
    }

    /** With so many work-groups in each dimension, each of so many work-items in each. */
    Launch planes(long groupsX, long groupsY, int sizeX, int sizeY) {
        return Launch.of(name, kernel, new long[] {groupsX * sizeX, groupsY * sizeY}, new long[] {sizeX, sizeY});
    }
}
