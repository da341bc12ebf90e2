package dev.nibble.device.opencl;

import dev.nibble.device.kernel.Allocation;
import dev.nibble.foreign.OpenCl;
import dev.nibble.foreign.OpenClInfo;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;

/**
 * The way of weights to the device. Where device and host share memory, they are written to their place. Elsewhere they go through host
 * memory that the driver has pinned, a slot for each thread that writes; a slot's transfer runs while others are filled.
 */
final class WeightStaging {
    private static final int SLOTS = 4;

    private final OpenClDevice device;
    private final OpenCl calls;
    private final long queue;
    private boolean closed;
    private long buffer;
    private long slotBytes;
    private MemorySegment mapped = MemorySegment.NULL;

    WeightStaging(OpenClDevice device, OpenCl calls, long queue) {
        this.device = device;
        this.calls = calls;
        this.queue = queue;
    }

    /** Writes a piece of an allocation, which begins at {@code offset}. */
    interface Filler {
        void fill(long offset, MemorySegment piece);
    }

    /** Fills an allocation, several pieces at a time. */
    synchronized void fill(Allocation target, long pieceBytes, Filler filler) {
        if (closed) {
            throw new IllegalStateException("device " + device.name() + " is closed");
        }
        long bytes = target.bytes();
        Pieces pieces = new Pieces(bytes, pieceBytes);
        if (device.traits().unifiedMemory()) {
            MemorySegment memory = map(target.handle(), bytes);
            try {
                pieces.forEach((at, size) -> filler.fill(at, memory.asSlice(at, size)));
            } finally {
                unmap(target.handle(), memory);
            }
            return;
        }
        BlockingQueue<MemorySegment> slots = slots(Math.min(bytes, pieceBytes));
        pieces.forEach((at, size) -> {
            MemorySegment slot = take(slots);
            try {
                MemorySegment piece = slot.asSlice(0, size);
                filler.fill(at, piece);
                calls.await(send(target.handle(), at, piece));
            } finally {
                slots.add(slot);
            }
        });
    }

    /** What is filled at the same time. */
    private record Pieces(long bytes, long pieceBytes) {
        interface Work {
            void piece(long offset, long size);
        }

        /**
         * Returns when no thread works on a piece any more: a parallel stream by itself can end with the first failure, while others
         * still write.
         */
        void forEach(Work work) {
            AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();
            LongStream.range(0, Math.ceilDiv(bytes, pieceBytes)).parallel().forEach(piece -> {
                if (failure.get() != null) {
                    return;
                }
                long offset = piece * pieceBytes;
                try {
                    work.piece(offset, Math.min(pieceBytes, bytes - offset));
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
    }

    private BlockingQueue<MemorySegment> slots(long bytes) {
        if (bytes > slotBytes) {
            release();
            buffer = device.createStaging(SLOTS * bytes);
            mapped = map(buffer, SLOTS * bytes);
            slotBytes = bytes;
        }
        BlockingQueue<MemorySegment> slots = new ArrayBlockingQueue<>(SLOTS);
        for (int i = 0; i < SLOTS; i++) {
            slots.add(mapped.asSlice(i * slotBytes, slotBytes));
        }
        return slots;
    }

    private static MemorySegment take(BlockingQueue<MemorySegment> slots) {
        boolean interrupted = false;
        try {
            while (true) {
                try {
                    return slots.take();
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    /** Waits for a weight that is on its way, refuses all others, and frees the pinned memory. */
    synchronized void close() {
        closed = true;
        release();
    }

    private void release() {
        if (slotBytes > 0) {
            device.release(memory -> unmap(memory, mapped), buffer);
            device.release(calls::releaseBuffer, buffer);
            slotBytes = 0;
        }
    }

    private MemorySegment map(long memory, long bytes) {
        return device.supply(() -> calls.map(queue, memory, OpenClInfo.MAP_WRITE, bytes));
    }

    private void unmap(long memory, MemorySegment segment) {
        device.locked(() -> {
            calls.unmap(queue, memory, segment);
            calls.finish(queue);
        });
    }

    private long send(long memory, long offset, MemorySegment piece) {
        return device.supply(() -> {
            long event = calls.writeWithEvent(queue, memory, offset, piece);
            calls.flush(queue);
            return event;
        });
    }
}
