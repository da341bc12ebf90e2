package dev.nibble.device;

/** What a device found wrong while it ran a step: an id, a position or a page that is out of range, values that are no numbers. */
public final class DeviceException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** @param message the operation, the row, and what is wrong with it, with the numbers */
    public DeviceException(String message) {
        super(message);
    }
}
