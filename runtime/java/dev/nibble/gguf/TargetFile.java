package dev.nibble.gguf;

import dev.nibble.OutOfCapacityException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.FileChannel;
import java.nio.channels.WritableByteChannel;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.UUID;

/**
 * A file in the making. Its bytes go to a temporary file beside it, which takes its name when all of them are on the disk; after
 * a failure nothing is left, and what stood there before stands there still. What goes wrong is told with the file's name.
 */
public final class TargetFile implements WritableByteChannel {
    private final Path target;
    private final Path temporary;
    private final FileChannel channel;
    private boolean finished;

    /**
     * Begins a file.
     *
     * @param target where it will stand; another file there is replaced at the end
     * @throws FileSystemException if there can be no such file: names it and says why
     */
    public TargetFile(Path target) throws IOException {
        require(target);
        this.target = target;
        // Not Files.createTempFile: that would leave a file which only its owner can read.
        this.temporary = target.resolveSibling("." + target.getFileName() + "." + UUID.randomUUID() + ".part");
        try {
            this.channel = FileChannel.open(temporary, StandardOpenOption.WRITE, StandardOpenOption.CREATE_NEW);
        } catch (FileSystemException e) {
            String reason = e.getReason() == null ? e.getClass().getSimpleName() : e.getReason();
            throw named("no file can be made in its folder (" + reason + ")", e);
        }
    }

    /** Refuses a place where no file can be: that of a folder, or one in a folder that does not exist. */
    private static void require(Path target) throws FileSystemException {
        if (Files.isDirectory(target)) {
            throw new FileSystemException(target.toString(), null, "this is a folder, not a file");
        }
        Path folder = target.toAbsolutePath().getParent();
        if (folder == null || !Files.isDirectory(folder)) {
            throw new FileSystemException(target.toString(), null, "there is no folder " + folder);
        }
    }

    /**
     * Finds out before long work begins whether a file can be written.
     *
     * @param sources the files that are read meanwhile
     * @param bytes that will be written
     * @throws IllegalArgumentException if it is one of the sources
     * @throws FileSystemException if there can be no such file
     * @throws OutOfCapacityException if there is not as much space
     */
    public static void require(Path target, List<Path> sources, long bytes) throws IOException {
        for (Path source : sources) {
            if (Files.exists(target) && Files.isSameFile(source, target)) {
                throw new IllegalArgumentException(target + " is the file that is read; give the new one another name");
            }
        }
        require(target);
        requireSpace(
                target,
                bytes,
                Files.getFileStore(target.toAbsolutePath().getParent()).getUsableSpace());
    }

    /** Refuses what does not fit; a file system that says 0 may just not know. */
    static void requireSpace(Path target, long bytes, long usable) {
        if (usable > 0 && usable < bytes) {
            throw new OutOfCapacityException(
                    target + " would have " + bytes + " bytes, but only " + usable + " are free on its disk");
        }
    }

    /** Where the next bytes go. */
    long position() throws IOException {
        return channel.position();
    }

    /** Lets the next bytes go elsewhere. */
    void position(long place) throws IOException {
        channel.position(place);
    }

    /** Writes all that remains. */
    @Override
    public int write(ByteBuffer bytes) throws IOException {
        int count = bytes.remaining();
        try {
            while (bytes.hasRemaining()) {
                channel.write(bytes);
            }
        } catch (IOException e) {
            throw failed(e);
        }
        return count;
    }

    /** Writes all that remains to a place of the file; several threads may at once. */
    public void write(ByteBuffer bytes, long place) throws IOException {
        long base = place - bytes.position();
        try {
            while (bytes.hasRemaining()) {
                channel.write(bytes, base + bytes.position());
            }
        } catch (IOException e) {
            throw failed(e);
        }
    }

    /** Lets the file be at least so long; what was not written is zero. */
    void extend(long bytes) throws IOException {
        if (channel.size() < bytes) {
            write(ByteBuffer.allocate(1), bytes - 1);
        }
    }

    /** All is written: brings it to the disk and into its place. */
    public void finish() throws IOException {
        try {
            channel.force(true);
            channel.close();
            try {
                Files.move(temporary, target, StandardCopyOption.ATOMIC_MOVE);
            } catch (AtomicMoveNotSupportedException e) {
                Files.move(temporary, target, StandardCopyOption.REPLACE_EXISTING);
            }
        } catch (IOException e) {
            throw failed(e);
        }
        finished = true;
    }

    @Override
    public boolean isOpen() {
        return channel.isOpen();
    }

    /** Gives up an unfinished file and removes what is there of it. Closing again, or after {@link #finish}, does nothing. */
    @Override
    public void close() throws IOException {
        channel.close();
        if (!finished) {
            Files.deleteIfExists(temporary);
        }
    }

    /** A failure to write with the file's name: a full disk does not say which. Of an interruption the caller knows. */
    private IOException failed(IOException failure) {
        return failure instanceof ClosedChannelException
                ? failure
                : named("it cannot be written whole, and nothing is left of it: " + failure.getMessage(), failure);
    }

    private FileSystemException named(String reason, IOException cause) {
        FileSystemException named = new FileSystemException(target.toString(), null, reason);
        named.initCause(cause);
        return named;
    }
}
