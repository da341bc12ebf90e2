package dev.nibble;

/** A valid request that this runtime or this device cannot serve; the message says which, and what would work. */
public final class UnsupportedFeatureException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** @param message what is missing, where, and what would work instead */
    public UnsupportedFeatureException(String message) {
        super(message);
    }
}
