package dev.nibble.cli;

import dev.nibble.InvalidModelException;
import dev.nibble.OutOfCapacityException;
import dev.nibble.UnsupportedFeatureException;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;

/** What the exit codes of all commands mean. */
public enum ExitStatus {
    /** The command did what was asked. */
    DONE(0),
    /** A fault of this program. */
    INTERNAL_ERROR(1),
    /** An option or argument that makes no sense. */
    USAGE(2),
    /** A model or input file that is missing or invalid. */
    INVALID_DATA(3),
    /** A device or feature that is not available. */
    UNAVAILABLE(4),
    /** A model or prompt that does not fit. */
    DOES_NOT_FIT(5);

    private final int code;

    ExitStatus(int code) {
        this.code = code;
    }

    /** The number that the process ends with. */
    public int code() {
        return code;
    }

    /** What a failure means to the caller of the process. */
    public static ExitStatus of(Throwable failure) {
        return switch (failure) {
            case ClosedOutputException e -> DONE;
            case InvalidModelException e -> INVALID_DATA;
            case IOException e -> INVALID_DATA;
            case UnsupportedFeatureException e -> UNAVAILABLE;
            case OutOfCapacityException e -> DOES_NOT_FIT;
            case OutOfMemoryError e -> DOES_NOT_FIT;
            case IllegalArgumentException e -> USAGE;
            default -> INTERNAL_ERROR;
        };
    }

    /** One line for people about a failure. */
    public static String describe(Throwable failure) {
        return switch (failure) {
            case NoSuchFileException e -> "there is no file " + fileAndReason(e);
            case AccessDeniedException e -> "no permission to access " + fileAndReason(e);
            case FileSystemException e -> fileAndReason(e);
            case OutOfMemoryError e -> "the Java heap is exhausted (" + e.getMessage() + "): raise it with -Xmx";
            default -> describeMessage(failure);
        };
    }

    private static String describeMessage(Throwable failure) {
        String message = failure.getMessage();
        if (of(failure) == INTERNAL_ERROR) {
            return "internal error: " + failure + " (NIBBLE_JAVA_OPTIONS=-D" + Terminal.STACK_TRACES
                    + "=true shows where)";
        }
        return message == null ? failure.toString() : message.strip();
    }

    private static String fileAndReason(FileSystemException e) {
        return e.getReason() == null ? e.getFile() : e.getFile() + ": " + e.getReason();
    }
}
