package dev.nibble.device;

/** A place in a device's {@link Queue}, and when the device came to it by the clock that it has. */
public interface Mark extends AutoCloseable {
    /** Waits until the device is here; the seconds since it was at an earlier mark of the same queue. */
    double secondsSince(Mark earlier);

    /** Frees what the mark takes. Closing again does nothing. */
    @Override
    default void close() {}
}
