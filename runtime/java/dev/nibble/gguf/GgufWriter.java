package dev.nibble.gguf;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * Writes a GGUF file of version 3, little-endian, tensor by tensor, so that a model need never be in memory whole:
 * declare all tensors, write the data of each in the same order, finish.
 *
 * <pre>{@code
 * try (GgufWriter writer = new GgufWriter(path, metadata)) {
 *     writer.declare("output.weight", TensorType.Q8_0, List.of(4096L, 32000L));
 *     writer.write(channel -> encodeTo(channel));
 *     writer.finish();
 * }
 * }</pre>
 *
 * <p>Nothing stands under the final name before {@link #finish}. Not safe for use by several threads at once.
 */
public final class GgufWriter implements AutoCloseable {
    private static final int COPY_BYTES = 1 << 26;

    private final TargetFile file;
    private final Metadata metadata;
    private final long alignment;
    private final List<TensorInfo> tensors = new ArrayList<>();
    private final Set<String> names = new HashSet<>();
    private long dataEnd;
    private long dataStart = -1;
    private int written;

    /** Writes the bytes of one tensor. */
    @FunctionalInterface
    public interface Source {
        /** Writes exactly as many bytes as the tensor has. */
        void writeTo(WritableByteChannel channel) throws IOException;
    }

    /**
     * Begins a file.
     *
     * @param target where it will stand; a file that stands there is replaced at the end
     * @param metadata {@code general.alignment} in it, a power of two, sets the alignment of the data; 32 without it
     * @throws IllegalArgumentException if the metadata cannot be written: a key that is empty or too long
     * @throws dev.nibble.InvalidModelException if the alignment is no uint32 or no power of two
     * @throws java.nio.file.FileSystemException if there can be no such file
     */
    public GgufWriter(Path target, Metadata metadata) throws IOException {
        this.metadata = metadata;
        this.alignment = GgufHeader.alignment(metadata);
        GgufHeaderWriter.check(metadata);
        this.file = new TargetFile(target);
    }

    /**
     * Announces the next tensor.
     *
     * @param dimensions that of a row first
     * @return the row of the tensor table that it will have
     * @throws IllegalArgumentException if there can be no such tensor, or if the name is taken or too long
     * @throws IllegalStateException if data has been written already
     */
    public TensorInfo declare(String name, TensorType type, List<Long> dimensions) {
        if (dataStart >= 0) {
            throw new IllegalStateException("tensor " + name + " is declared after data was written");
        }
        TensorInfo tensor = new TensorInfo(name, type, dimensions, 0, dataEnd);
        GgufHeaderWriter.checkName(name);
        if (!names.add(name)) {
            throw new IllegalArgumentException("tensor " + name + " is declared twice");
        }
        dataEnd = GgufHeader.align(Math.addExact(dataEnd, tensor.bytes()), alignment);
        tensors.add(tensor);
        return tensor;
    }

    /** Writes the data of the next declared tensor: all of the segment. */
    public void write(MemorySegment data) throws IOException {
        write(sink -> {
            for (long at = 0; at < data.byteSize(); at += COPY_BYTES) {
                long bytes = Math.min(COPY_BYTES, data.byteSize() - at);
                sink.write(data.asSlice(at, bytes).asByteBuffer());
            }
        });
    }

    /**
     * Writes the data of the next declared tensor.
     *
     * @throws IllegalArgumentException if the source writes more or fewer bytes than the tensor has
     * @throws IllegalStateException if no declared tensor is left
     */
    public void write(Source source) throws IOException {
        if (written == tensors.size()) {
            throw new IllegalStateException("all " + written + " declared tensors are written");
        }
        begin();
        TensorInfo tensor = tensors.get(written);
        file.position(dataStart + tensor.offset());
        TensorSink sink = new TensorSink(tensor);
        source.writeTo(sink);
        sink.complete();
        written++;
    }

    /**
     * Ends the file and moves it into place.
     *
     * @throws IllegalStateException if a declared tensor has no data
     */
    public void finish() throws IOException {
        if (written < tensors.size()) {
            throw new IllegalStateException("tensor " + tensors.get(written).name() + " has no data; " + written
                    + " of " + tensors.size() + " written");
        }
        begin();
        file.extend(dataStart + dataEnd);
        file.finish();
    }

    /** Gives up an unfinished file and removes what is there of it. Closing again, or after {@link #finish}, does nothing. */
    @Override
    public void close() throws IOException {
        file.close();
    }

    private void begin() throws IOException {
        if (dataStart < 0) {
            GgufHeaderWriter header = new GgufHeaderWriter(file);
            header.write(metadata, tensors);
            long end = file.position();
            dataStart = tensors.isEmpty() ? end : GgufHeader.align(end, alignment);
        }
    }

    /** Counts what a source writes. */
    private final class TensorSink implements WritableByteChannel {
        private final TensorInfo tensor;
        private long bytes;
        private boolean open = true;

        TensorSink(TensorInfo tensor) {
            this.tensor = tensor;
        }

        @Override
        public int write(ByteBuffer data) throws IOException {
            if (!open) {
                throw new ClosedChannelException();
            }
            bytes += data.remaining();
            if (bytes > tensor.bytes()) {
                throw wrongSize("at least " + bytes);
            }
            return file.write(data);
        }

        @Override
        public boolean isOpen() {
            return open;
        }

        @Override
        public void close() {
            open = false;
        }

        void complete() {
            open = false;
            if (bytes != tensor.bytes()) {
                throw wrongSize(Long.toString(bytes));
            }
        }

        private IllegalArgumentException wrongSize(String found) {
            return new IllegalArgumentException(
                    "tensor " + tensor.name() + " has " + tensor.bytes() + " bytes, but " + found + " were written");
        }
    }
}
