package dev.nibble;

import java.nio.file.Path;

/** A model file that breaks its format: says where and how. */
public final class InvalidModelException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final transient Path path;
    private final long offset;

    /**
     * @param path the file
     * @param offset the byte in it where the fault was found, or -1 if it has no single place
     * @param message what is wrong there, with the numbers
     */
    public InvalidModelException(Path path, long offset, String message) {
        super(offset < 0 ? path + ": " + message : path + ", byte " + offset + ": " + message);
        this.path = path;
        this.offset = offset;
    }

    /** The file that was read. */
    public Path path() {
        return path;
    }

    /** The byte offset of the fault, or -1 if it has no single place. */
    public long offset() {
        return offset;
    }
}
