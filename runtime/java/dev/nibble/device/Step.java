package dev.nibble.device;

/**
 * A list of operations made ready by a device, to be run again and again: what changes from run to run lies in buffers that
 * the operations read.
 */
public interface Step extends AutoCloseable {
    /**
     * Frees what the device keeps for this step alone, if anything; what was enqueued is still done. The step is not to be run any more.
     * Closing again does nothing.
     */
    @Override
    default void close() {}
}
