package dev.nibble.device.cuda;

import dev.nibble.device.Buffer;
import dev.nibble.device.KvPages;
import dev.nibble.device.kernel.Allocation;
import dev.nibble.device.kernel.KernelBuffer;
import dev.nibble.device.kernel.LaunchBuilder;
import dev.nibble.foreign.CudaGrid;
import dev.nibble.foreign.CudaLaunch;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Collects the arguments of a kernel, each of at most eight bytes. */
final class CudaLaunchBuilder implements LaunchBuilder {
    private static final int MOST_GROUPS = 65535;

    private final CudaPrograms programs;
    private final String name;
    private final long kernel;
    private final Consumer<KernelLaunch> launches;
    private long[] arguments = new long[16];
    private int count;
    private int shared;

    /** @param launches receives the launch when it is complete */
    CudaLaunchBuilder(CudaPrograms programs, String name, long kernel, Consumer<KernelLaunch> launches) {
        this.programs = programs;
        this.name = name;
        this.kernel = kernel;
        this.launches = launches;
    }

    @Override
    public CudaLaunchBuilder buffer(@Nullable Buffer buffer) {
        return memory(buffer == null ? null : ((KernelBuffer) buffer).values());
    }

    @Override
    public CudaLaunchBuilder quantized(@Nullable Buffer buffer) {
        if (buffer == null) {
            return memory(null).memory(null);
        }
        KernelBuffer quantized = (KernelBuffer) buffer;
        return memory(quantized.values()).memory(quantized.blocks());
    }

    @Override
    public CudaLaunchBuilder pages(KvPages cache) {
        CudaKvPages pages = (CudaKvPages) cache;
        return memory(pages.keys())
                .memory(pages.values())
                .integer(pages.pages())
                .integer(pages.layout().pageTokens())
                .integer(pages.stride());
    }

    /** Device memory; a null pointer for none. */
    CudaLaunchBuilder memory(@Nullable Allocation memory) {
        return wide(memory == null ? 0 : memory.handle());
    }

    /** An address, or a number of type long long. */
    CudaLaunchBuilder wide(long value) {
        if (count == arguments.length) {
            arguments = Arrays.copyOf(arguments, 2 * count);
        }
        arguments[count++] = value;
        return this;
    }

    @Override
    public CudaLaunchBuilder integer(int value) {
        return wide(value & 0xffff_ffffL);
    }

    @Override
    public CudaLaunchBuilder real(float value) {
        return integer(Float.floatToRawIntBits(value));
    }

    /** Dynamic shared memory: no argument of the kernel. */
    @Override
    public CudaLaunchBuilder sharedMemory(long bytes) {
        shared = Math.toIntExact(bytes);
        return this;
    }

    @Override
    public void groups(long groups, int size) {
        grid(groups, 1, 1, size, 1);
    }

    @Override
    public void groups(long groupsX, long groupsY, int size) {
        grid(groupsX, groupsY, 1, size, 1);
    }

    /** With so many blocks in each of three dimensions, each of so many threads in each of two. */
    void grid(long blocksX, long blocksY, long blocksZ, int threadsX, int threadsY) {
        if (blocksY > MOST_GROUPS || blocksZ > MOST_GROUPS) {
            throw new IllegalArgumentException("kernel " + name + " cannot have " + blocksX + " x " + blocksY + " x "
                    + blocksZ + " blocks: at most " + MOST_GROUPS + " in the second and the third dimension");
        }
        programs.allowShared(kernel, name, shared);
        launches.accept(new KernelLaunch(
                name,
                new CudaLaunch(
                        kernel,
                        new CudaGrid(Math.toIntExact(blocksX), (int) blocksY, (int) blocksZ),
                        CudaGrid.of(threadsX, threadsY),
                        shared,
                        pointers())));
    }

    /** Pointers to the arguments, and behind them the arguments. */
    private MemorySegment pointers() {
        MemorySegment memory = Arena.ofAuto().allocate(ValueLayout.JAVA_LONG, 2L * count + 1);
        for (int i = 0; i < count; i++) {
            memory.setAtIndex(ValueLayout.JAVA_LONG, i, memory.address() + (count + i) * Long.BYTES);
            memory.setAtIndex(ValueLayout.JAVA_LONG, count + i, arguments[i]);
        }
        return memory;
    }
}
