package dev.nibble.device.kernel;

import dev.nibble.device.Exchange;
import dev.nibble.device.KvLayout;
import dev.nibble.device.Operation;
import dev.nibble.device.SumNorm;
import org.jspecify.annotations.Nullable;

/**
 * The kernels that all devices have under the same names, with the same arguments: those of the families {@code rows},
 * {@code kv} and {@code expand}, which {@code opencl-kernels/README.md} lists.
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

    /**
     * Plans a sum over devices, where the device opens exchanges.
     *
     * @param quantized what the result is quantized to as well, or none
     */
    default void sumNorm(SumNorm sum, Operation.@Nullable Quantize quantized) {
        throw Exchange.foreign();
    }

    /**
     * A kernel of the family {@code expand}, made for {@link #writers}.
     *
     * @param layout of the cache that it reads, or none
     */
    LaunchBuilder expand(String name, @Nullable KvLayout layout);
}
