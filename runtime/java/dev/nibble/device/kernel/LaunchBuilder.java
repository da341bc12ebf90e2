package dev.nibble.device.kernel;

import dev.nibble.device.Buffer;
import dev.nibble.device.KvPages;
import org.jspecify.annotations.Nullable;

/**
 * One launch of a kernel while it is put together: its arguments in the order of its parameters, then its sizes, which put it behind
 * the launches that there are. A kind of device has more kinds of arguments of its own.
 */
public interface LaunchBuilder {
    /** The values of a buffer; a null pointer for none. */
    LaunchBuilder buffer(@Nullable Buffer buffer);

    /** The int8 values, then the blocks, of a buffer of Q8; two null pointers for none. */
    LaunchBuilder quantized(@Nullable Buffer buffer);

    /** Keys and values of a cache, its pages, the tokens of a page, and those that a page has room for. */
    LaunchBuilder pages(KvPages cache);

    /** A number of type int. */
    LaunchBuilder integer(int value);

    /** A number of type float. */
    LaunchBuilder real(float value);

    /** Memory that the threads of a group share, of so many bytes. */
    LaunchBuilder sharedMemory(long bytes);

    /** With so many groups of threads, each of so many threads. */
    void groups(long groups, int size);

    /** With so many groups of threads in each of two dimensions, each of so many threads in the first. */
    void groups(long groupsX, long groupsY, int size);
}
