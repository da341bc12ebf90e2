package dev.nibble.device.cuda;

import dev.nibble.device.WeightShape;
import dev.nibble.device.WeightSource;
import dev.nibble.device.kernel.Allocation;
import dev.nibble.foreign.Cuda;
import dev.nibble.foreign.PosixMemory;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * The way of weights to the device: their rows, as the model file has them, are copied to pinned memory, from there to device memory, and
 * from there into tiles by a kernel; see {@link WeightSlots}.
 */
final class WeightStaging {
    /** Bytes that are on their way together. */
    private static final long PIECE_BYTES = 4 << 20;

    private final CudaDevice device;
    private final Cuda calls;
    private @Nullable WeightSlots slots;
    private boolean closed;

    /** Tiles of one matrix: how many, from which on, of how many rows. */
    private record Piece(int matrix, int tile, int tiles, int rows) {}

    WeightStaging(CudaDevice device, Cuda calls) {
        this.device = device;
        this.calls = calls;
    }

    /** Enqueues the making of a weight, which is read when this returns. */
    synchronized void upload(WeightSource source, WeightLayout layout, Allocation target) {
        if (closed) {
            throw new IllegalStateException("device " + device.name() + " is closed");
        }
        WeightShape shape = source.shape();
        int tiles = CudaWeight.tiles(shape);
        int most = tilesOfPiece(shape);
        WeightSlots way = slots(pieceBytes(shape));
        for (int matrix = 0; matrix < shape.matrices(); matrix++) {
            for (int tile = 0; tile < tiles; tile += most) {
                int count = Math.min(most, tiles - tile);
                int rows = Math.min(count * WeightLayout.TILE_ROWS, shape.rows() - tile * WeightLayout.TILE_ROWS);
                send(way, source, new Piece(matrix, tile, count, rows), layout, target);
            }
        }
    }

    /** Device memory that a weight of this shape takes on its way. */
    static long bytes(WeightShape shape) {
        return WeightSlots.COUNT * pieceBytes(shape);
    }

    private static long pieceBytes(WeightShape shape) {
        return tilesOfPiece(shape) * WeightLayout.tileBytes(shape.type(), shape.columns());
    }

    private static int tilesOfPiece(WeightShape shape) {
        long tileBytes = WeightLayout.tileBytes(shape.type(), shape.columns());
        return (int) Math.clamp(PIECE_BYTES / tileBytes, 1, CudaWeight.tiles(shape));
    }

    /** Slots of at least so many bytes. */
    private WeightSlots slots(long bytes) {
        WeightSlots made = slots;
        if (made == null || made.bytes() < bytes) {
            release();
            made = new WeightSlots(device, calls, bytes);
            slots = made;
        }
        return made;
    }

    private void send(WeightSlots way, WeightSource source, Piece piece, WeightLayout layout, Allocation target) {
        WeightSlots.Slot slot = way.next();
        WeightShape shape = source.shape();
        long length = piece.rows * shape.rowBytes();
        fill(source, piece, slot.host().asSlice(0, length));
        long place = (long) piece.matrix * CudaWeight.tiles(shape) + piece.tile;
        device.exclusively(() -> {
            CudaPlan plan = new CudaPlan(device);
            long tiles = target.handle() + place * WeightLayout.tileBytes(shape.type(), shape.columns());
            layout.repack(plan, slot.raw().handle(), tiles, piece.rows, shape.columns());
            way.send(slot, length, plan.launches());
        });
    }

    /**
     * Copies the rows of a piece, several tiles at a time. Returns when no thread works on it any more: a parallel stream by itself
     * can end with the first failure, while others still write.
     */
    private static void fill(WeightSource source, Piece piece, MemorySegment target) {
        AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();
        IntStream.range(0, piece.tiles).parallel().forEach(tile -> {
            try {
                if (failure.get() == null) {
                    fill(source, piece, tile, target);
                }
            } catch (RuntimeException | Error e) {
                failure.compareAndSet(null, e);
            }
        });
        Throwable first = failure.get();
        if (first instanceof Error e) {
            throw e;
        } else if (first instanceof RuntimeException e) {
            throw e;
        }
    }

    private static void fill(WeightSource source, Piece piece, int tile, MemorySegment target) {
        WeightShape shape = source.shape();
        int row = tile * WeightLayout.TILE_ROWS;
        int count = Math.min(WeightLayout.TILE_ROWS, piece.rows - row);
        long first = (long) piece.matrix * shape.rows() + (long) piece.tile * WeightLayout.TILE_ROWS + row;
        MemorySegment rows = source.rows(first, count);
        target.asSlice(row * shape.rowBytes(), rows.byteSize()).copyFrom(rows);
        if (rows.isMapped()) {
            // The pages of a mapped file are given back, or the model would be in memory twice.
            PosixMemory.release(rows);
        }
    }

    /** Frees the memory, until the next weight comes. */
    synchronized void release() {
        if (slots != null) {
            slots.close();
            slots = null;
        }
    }

    /** Waits for a weight that is on its way, refuses all others, and frees the memory. */
    synchronized void close() {
        closed = true;
        release();
    }
}
