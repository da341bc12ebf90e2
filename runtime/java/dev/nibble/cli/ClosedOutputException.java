package dev.nibble.cli;

import java.io.IOException;

/** The reader of the standard output has gone: a reason to stop quietly, as {@code nibble run | head} does. */
final class ClosedOutputException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    ClosedOutputException(IOException cause) {
        super("the standard output is closed", cause);
    }
}
