package dev.nibble;

/** Something that does not fit: memory of a device, or the context of a model. The message carries the numbers. */
public final class OutOfCapacityException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** @param message what was asked for, what there is, and what would make it fit */
    public OutOfCapacityException(String message) {
        super(message);
    }
}
