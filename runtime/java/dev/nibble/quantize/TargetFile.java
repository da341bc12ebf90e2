package dev.nibble.quantize;

import dev.nibble.OutOfCapacityException;
import dev.nibble.gguf.GgufWriter;
import dev.nibble.gguf.Metadata;
import java.io.IOException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** Finds out before the work begins whether a file can be written, and says what is in the way. */
final class TargetFile {
    private TargetFile() {}

    /**
     * Checks a target.
     *
     * @param sources the files that are read meanwhile
     * @param bytes that will be written
     * @throws IllegalArgumentException if it is one of the sources
     * @throws IOException if it cannot be a file
     * @throws OutOfCapacityException if there is not as much space
     */
    static void require(Path target, List<Path> sources, long bytes) throws IOException {
        for (Path source : sources) {
            if (Files.exists(target) && Files.isSameFile(source, target)) {
                throw new IllegalArgumentException(target + " is the file that is read; give the new one another name");
            }
        }
        if (Files.isDirectory(target)) {
            throw new FileSystemException(target.toString(), null, "this is a folder, not a file");
        }
        Path folder = target.toAbsolutePath().getParent();
        if (folder == null || !Files.isDirectory(folder)) {
            throw new FileSystemException(target.toString(), null, "there is no folder " + folder);
        }
        requireSpace(target, bytes, Files.getFileStore(folder).getUsableSpace());
    }

    /** Refuses what does not fit; a file system that says 0 may just not know. */
    static void requireSpace(Path target, long bytes, long usable) {
        if (usable > 0 && usable < bytes) {
            throw new OutOfCapacityException(
                    target + " would have " + bytes + " bytes, but only " + usable + " are free on its disk");
        }
    }

    /** Begins to write, beside the target. */
    static GgufWriter begin(Path target, Metadata metadata) throws IOException {
        try {
            return new GgufWriter(target, metadata);
        } catch (FileSystemException e) {
            String reason = e.getReason() == null ? e.getClass().getSimpleName() : e.getReason();
            throw named(target, "no file can be made in its folder (" + reason + ")", e);
        }
    }

    /** What a failure to write is called, with the file's name. */
    static IOException failed(Path target, IOException failure) {
        return named(target, "it cannot be written whole, and nothing is left of it: " + failure.getMessage(), failure);
    }

    private static FileSystemException named(Path target, String reason, IOException cause) {
        FileSystemException named = new FileSystemException(target.toString(), null, reason);
        named.initCause(cause);
        return named;
    }
}
