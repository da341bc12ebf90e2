package dev.nibble.device.opencl;

import dev.nibble.device.Buffer;
import dev.nibble.device.KvPages;
import dev.nibble.device.kernel.Allocation;
import dev.nibble.device.kernel.KernelBuffer;
import dev.nibble.device.kernel.LaunchBuilder;
import dev.nibble.foreign.OpenCl;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Sets the arguments of a kernel, which belongs to the step being planned: that releases it. */
final class OpenClLaunchBuilder implements LaunchBuilder {
    private final OpenCl calls;
    private final String name;
    private final long kernel;
    private final Consumer<Launch> launches;
    private int index;

    /** @param launches receives the launch when it is complete */
    OpenClLaunchBuilder(OpenCl calls, String name, long kernel, Consumer<Launch> launches) {
        this.calls = calls;
        this.name = name;
        this.kernel = kernel;
        this.launches = launches;
    }

    @Override
    public OpenClLaunchBuilder buffer(@Nullable Buffer buffer) {
        return buffer == null ? memory(null) : memory(((KernelBuffer) buffer).values());
    }

    @Override
    public OpenClLaunchBuilder quantized(@Nullable Buffer buffer) {
        if (buffer == null) {
            return memory(null).memory(null);
        }
        KernelBuffer quantized = (KernelBuffer) buffer;
        return memory(quantized.values()).memory(quantized.blocks());
    }

    /** Device memory; a null pointer for none. */
    OpenClLaunchBuilder memory(@Nullable Allocation memory) {
        try (Arena arena = Arena.ofConfined()) {
            long handle = memory == null ? 0 : memory.handle();
            return argument(arena.allocateFrom(ValueLayout.JAVA_LONG, handle));
        }
    }

    @Override
    public OpenClLaunchBuilder integer(int value) {
        try (Arena arena = Arena.ofConfined()) {
            return argument(arena.allocateFrom(ValueLayout.JAVA_INT, value));
        }
    }

    /** Four numbers, of type int4. */
    OpenClLaunchBuilder integers(int first, int second, int third, int fourth) {
        try (Arena arena = Arena.ofConfined()) {
            return argument(arena.allocateFrom(ValueLayout.JAVA_INT, first, second, third, fourth));
        }
    }

    @Override
    public OpenClLaunchBuilder pages(KvPages cache) {
        OpenClKvPages pages = (OpenClKvPages) cache;
        return memory(pages.keys())
                .memory(pages.values())
                .integer(pages.pages())
                .integer(pages.layout().pageTokens())
                .integer(pages.stride());
    }

    /** A number of type long. */
    OpenClLaunchBuilder wide(long value) {
        try (Arena arena = Arena.ofConfined()) {
            return argument(arena.allocateFrom(ValueLayout.JAVA_LONG, value));
        }
    }

    @Override
    public OpenClLaunchBuilder real(float value) {
        try (Arena arena = Arena.ofConfined()) {
            return argument(arena.allocateFrom(ValueLayout.JAVA_FLOAT, value));
        }
    }

    @Override
    public OpenClLaunchBuilder sharedMemory(long bytes) {
        calls.setArgument(kernel, index++, bytes, MemorySegment.NULL);
        return this;
    }

    private OpenClLaunchBuilder argument(MemorySegment value) {
        calls.setArgument(kernel, index++, value.byteSize(), value);
        return this;
    }

    @Override
    public void groups(long groups, int size) {
        add(new long[] {groups * size}, new long[] {size});
    }

    @Override
    public void groups(long groupsX, long groupsY, int size) {
        add(new long[] {groupsX * size, groupsY}, new long[] {size, 1});
    }

    /** With so many work-groups in each of three dimensions, each of so many work-items in the first. */
    void box(long groupsX, long groupsY, long groupsZ, int size) {
        add(new long[] {groupsX * size, groupsY, groupsZ}, new long[] {size, 1, 1});
    }

    /** With so many work-groups in each dimension, each of so many work-items in each. */
    void planes(long groupsX, long groupsY, int sizeX, int sizeY) {
        add(new long[] {groupsX * sizeX, groupsY * sizeY}, new long[] {sizeX, sizeY});
    }

    private void add(long[] global, long[] local) {
        launches.accept(Launch.of(name, kernel, global, local));
    }
}
