package dev.nibble.device.cuda;

import dev.nibble.device.WeightShape;
import dev.nibble.device.WeightSource;
import dev.nibble.device.kernel.Allocation;
import dev.nibble.foreign.Cuda;
import dev.nibble.foreign.CudaMemory;
import dev.nibble.foreign.CudaStreams;
import dev.nibble.foreign.PosixMemory;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * The way of weights to the device: their rows, as the model file has them, are copied to a slot of pinned memory, from there to a slot
 * of device memory, and from there into tiles by a kernel. While the device works on some slots, the host fills others.
 */
final class WeightStaging {
    /** Bytes that are on their way together. */
    private static final long PIECE_BYTES = 4 << 20;

    private static final int SLOTS = 4;

    private final CudaDevice device;
    private final Cuda calls;
    private final List<Slot> slots = new ArrayList<>();
    private long slotBytes;
    private int next;
    private boolean closed;

    /**
     * Room for a piece.
     *
     * @param host pinned memory
     * @param raw device memory
     * @param event when the device has done with both
     */
    private record Slot(MemorySegment host, Allocation raw, long event) {}

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
        long tileBytes = WeightLayout.tileBytes(shape.type(), shape.columns());
        int most = (int) Math.clamp(PIECE_BYTES / tileBytes, 1, tiles);
        makeSlots(most * tileBytes);
        for (int matrix = 0; matrix < shape.matrices(); matrix++) {
            for (int tile = 0; tile < tiles; tile += most) {
                int count = Math.min(most, tiles - tile);
                int rows = Math.min(count * WeightLayout.TILE_ROWS, shape.rows() - tile * WeightLayout.TILE_ROWS);
                send(source, new Piece(matrix, tile, count, rows), layout, target);
            }
        }
    }

    private void send(WeightSource source, Piece piece, WeightLayout layout, Allocation target) {
        Slot slot = slots.get(next++ % SLOTS);
        device.exclusively(() -> calls.streams().synchronizeEvent(slot.event));
        WeightShape shape = source.shape();
        MemorySegment rows = slot.host.asSlice(0, piece.rows * shape.rowBytes());
        fill(source, piece, rows);
        long place = (long) piece.matrix * CudaWeight.tiles(shape) + piece.tile;
        device.exclusively(() -> {
            CudaPlan plan = new CudaPlan(device);
            long tileBytes = WeightLayout.tileBytes(shape.type(), shape.columns());
            layout.repack(plan, slot.raw.handle(), target.handle() + place * tileBytes, piece.rows, shape.columns());
            device.queue().upload(rows, slot.raw.handle(), plan.launches(), slot.event);
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

    private void makeSlots(long bytes) {
        if (bytes <= slotBytes) {
            return;
        }
        release();
        try {
            for (int i = 0; i < SLOTS; i++) {
                slots.add(makeSlot(bytes));
            }
            slotBytes = bytes;
        } catch (RuntimeException | Error e) {
            release();
            throw e;
        }
    }

    private Slot makeSlot(long bytes) {
        Allocation raw = device.memory().allocate(bytes, "the way of weights to the device");
        try {
            return device.supply(() -> {
                long event = calls.streams().createEvent(CudaStreams.EVENT_DISABLE_TIMING);
                try {
                    return new Slot(calls.memory().allocateHost(bytes, CudaMemory.PORTABLE), raw, event);
                } catch (RuntimeException | Error e) {
                    device.access().release(() -> calls.streams().destroyEvent(event));
                    throw e;
                }
            });
        } catch (RuntimeException | Error e) {
            raw.close();
            throw e;
        }
    }

    /** Frees the memory, until the next weight comes. */
    synchronized void release() {
        for (Slot slot : slots) {
            slot.raw.close();
            device.access().locked(() -> {
                device.access().release(() -> calls.memory().freeHost(slot.host));
                device.access().release(() -> calls.streams().destroyEvent(slot.event));
            });
        }
        slots.clear();
        slotBytes = 0;
    }

    /** Waits for a weight that is on its way, refuses all others, and frees the memory. */
    synchronized void close() {
        closed = true;
        release();
    }
}
