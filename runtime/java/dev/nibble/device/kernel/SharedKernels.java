package dev.nibble.device.kernel;

import dev.nibble.device.KvLayout;

/**
 * The kernels that all devices have under the same names, with the same arguments: those of the families {@code rows} and
 * {@code kv}, which {@code opencl-kernels/README.md} lists.
 */
public interface SharedKernels {
    /** How threads share a row. */
    RowShape shape();

    /** Threads that share a head when it is written to the cache. */
    int writers();

    /** A kernel of the family {@code rows}, made for {@link #shape}. */
    LaunchBuilder rows(String name);

    /** A kernel of the family {@code kv}, made for {@link #writers} and a cache of this layout. */
    LaunchBuilder kv(String name, KvLayout layout);
}
