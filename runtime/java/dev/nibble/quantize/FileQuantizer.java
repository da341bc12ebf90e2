package dev.nibble.quantize;

import dev.nibble.OutOfCapacityException;
import dev.nibble.gguf.GgufFile;
import dev.nibble.gguf.GgufWriter;
import dev.nibble.gguf.Metadata;
import dev.nibble.gguf.TargetFile;
import dev.nibble.gguf.TensorInfo;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.lang.foreign.MemorySegment;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.LongConsumer;

/**
 * Writes a file after a plan, tensor by tensor: some threads convert pieces of rows, one writes them in order. No more than a few
 * pieces are in memory at once, whatever the size of the model.
 */
public final class FileQuantizer {
    /** Values of a piece: long against what it costs to hand one over, short against a tensor. */
    private static final int PIECE_VALUES = 1 << 18;

    /** Pieces under way per thread, so that none waits for the writer. */
    private static final int PIECES_PER_THREAD = 2;

    private final GgufFile file;
    private final QuantizationPlan plan;
    private final int threads;

    /** A writer of this file. */
    public FileQuantizer(GgufFile file, QuantizationPlan plan, int threads) {
        this.file = file;
        this.plan = plan;
        this.threads = threads;
    }

    /**
     * Writes the file. It stands under its name when all of it is on the disk, and not before; a failure leaves nothing.
     *
     * @param metadata of the new file
     * @param progress hears how many bytes of the old file are done
     * @throws IOException if it cannot be written
     * @throws InterruptedIOException if the thread is interrupted
     * @throws IllegalArgumentException if the target is the file that is read
     * @throws OutOfCapacityException if there is no space for it
     * @throws dev.nibble.InvalidModelException if a weight is not finite, or too large for its type
     */
    public void write(Path target, Metadata metadata, LongConsumer progress) throws IOException {
        TargetFile.require(target, file.paths(), plan.bytes());
        try (GgufWriter writer = new GgufWriter(target, metadata);
                ExecutorService workers = Executors.newFixedThreadPool(
                        threads,
                        Thread.ofPlatform().daemon().name("quantize-", 0).factory())) {
            try {
                write(writer, workers, progress);
            } catch (ClosedByInterruptException e) {
                throw interrupted();
            } finally {
                workers.shutdownNow();
            }
        }
    }

    private void write(GgufWriter writer, ExecutorService workers, LongConsumer progress) throws IOException {
        for (PlannedTensor tensor : plan.tensors()) {
            writer.declare(
                    tensor.source().name(), tensor.type(), tensor.source().dimensions());
        }
        long done = 0;
        for (PlannedTensor tensor : plan.tensors()) {
            long before = done;
            writer.write(channel -> convert(tensor, workers, channel, bytes -> progress.accept(before + bytes)));
            done += tensor.source().bytes();
        }
        writer.finish();
    }

    private void convert(
            PlannedTensor tensor, ExecutorService workers, WritableByteChannel channel, LongConsumer progress)
            throws IOException {
        Deque<Future<MemorySegment>> underWay = new ArrayDeque<>();
        List<TensorPiece> pieces = pieces(tensor);
        long rowBytes = tensor.source().type().rowBytes(tensor.source().columns());
        int next = 0;
        for (int written = 0; written < pieces.size(); written++) {
            while (next < pieces.size() && underWay.size() < PIECES_PER_THREAD * threads) {
                underWay.add(workers.submit(pieces.get(next++)::convert));
            }
            channel.write(result(underWay.remove()).asByteBuffer());
            progress.accept(pieces.get(written).end() * rowBytes);
        }
    }

    private List<TensorPiece> pieces(PlannedTensor tensor) {
        TensorInfo source = tensor.source();
        MemorySegment data = file.data(source);
        int rowsPerPiece = (int) Math.max(1, PIECE_VALUES / Math.max(1, source.columns()));
        List<TensorPiece> pieces = new ArrayList<>();
        for (long matrix = 0; matrix < source.matrices(); matrix++) {
            float[] importance = tensor.columnImportance(matrix);
            for (long row = 0; row < source.rows(); row += rowsPerPiece) {
                int rows = (int) Math.min(rowsPerPiece, source.rows() - row);
                pieces.add(new TensorPiece(file.path(), tensor, data, matrix, row, rows, importance));
            }
        }
        return pieces;
    }

    private static InterruptedIOException interrupted() {
        return new InterruptedIOException("interrupted before the file was whole; nothing is left of it");
    }

    private static MemorySegment result(Future<MemorySegment> piece) throws IOException {
        try {
            return piece.get();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw interrupted();
        } catch (ExecutionException e) {
            switch (e.getCause()) {
                case RuntimeException failure -> throw failure;
                case Error failure -> throw failure;
                default -> throw new IllegalStateException(e.getCause());
            }
        }
    }
}
