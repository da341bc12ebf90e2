package dev.nibble.device.opencl;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;

/**
 * A kernel with its arguments and sizes, ready to be enqueued.
 *
 * @param name of the kernel
 * @param kernel its handle, owned by the step that this is a part of
 * @param dimensions of the sizes
 * @param global work-items in each dimension, longs in native memory
 * @param local the same of a work-group
 */
record Launch(String name, long kernel, int dimensions, MemorySegment global, MemorySegment local) {
    static Launch of(String name, long kernel, long[] global, long[] local) {
        Arena arena = Arena.ofAuto();
        return new Launch(
                name,
                kernel,
                global.length,
                arena.allocateFrom(ValueLayout.JAVA_LONG, global),
                arena.allocateFrom(ValueLayout.JAVA_LONG, local));
    }

    /** The kernel and its sizes, for messages. */
    String describe() {
        return name + " of " + Arrays.toString(global.toArray(ValueLayout.JAVA_LONG)) + " work-items in groups of "
                + Arrays.toString(local.toArray(ValueLayout.JAVA_LONG));
    }
}
