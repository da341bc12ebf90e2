package dev.nibble.device.opencl;

import dev.nibble.device.Buffer;
import dev.nibble.device.ElementType;
import dev.nibble.device.Queue;
import dev.nibble.device.Step;
import dev.nibble.foreign.OpenCl;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;

/** The queue of an OpenCL device, which runs commands in order. */
final class OpenClQueue implements Queue {
    /** Host memory for writes that were enqueued and may not be done yet. */
    private static final long STAGING_BYTES = 1 << 20;

    /** Enqueued commands after which the host waits, so that a host faster than its device does not fill the driver's memory. */
    private static final int MOST_PENDING = 1 << 14;

    private final OpenClDevice device;
    private final OpenCl calls;
    private final long handle;
    private final Arena arena = Arena.ofShared();
    private final MemorySegment staging = arena.allocate(STAGING_BYTES, Long.BYTES);
    private long staged;
    private int pending;

    OpenClQueue(OpenClDevice device, OpenCl calls, long handle) {
        this.device = device;
        this.calls = calls;
        this.handle = handle;
    }

    /** The queue's handle. */
    long handle() {
        return handle;
    }

    @Override
    public void write(Buffer target, long element, MemorySegment source) {
        device.exclusively(() -> {
            OpenClAllocation memory = words(target, element, source.byteSize());
            long offset = element * Integer.BYTES;
            for (long done = 0; done < source.byteSize(); ) {
                long part = Math.min(source.byteSize() - done, STAGING_BYTES);
                calls.write(handle, memory.handle(), offset + done, stage(source.asSlice(done, part)));
                done += part;
            }
        });
    }

    /** A copy of host memory that stays as it is until the device has read it. */
    private MemorySegment stage(MemorySegment source) {
        if (staged + source.byteSize() > STAGING_BYTES) {
            finish();
        }
        MemorySegment copy = staging.asSlice(staged, source.byteSize());
        copy.copyFrom(source);
        staged += (source.byteSize() + Long.BYTES - 1) / Long.BYTES * Long.BYTES;
        return copy;
    }

    @Override
    public void submit(Step step) {
        if (!(step instanceof OpenClStep prepared) || prepared.device() != device) {
            throw new IllegalArgumentException("the step was prepared by another device");
        }
        device.exclusively(() -> {
            prepared.checkOpen();
            List<Launch> launches = prepared.launches();
            for (int i = 0; i < launches.size(); i++) {
                Launch launch = launches.get(i);
                calls.launch(
                        handle,
                        launch.kernel(),
                        launch.dimensions(),
                        launch.global(),
                        launch.local(),
                        MemorySegment.NULL);
            }
            calls.flush(handle);
            pending += launches.size();
            if (pending > MOST_PENDING) {
                finish();
            }
        });
    }

    @Override
    public void read(Buffer source, long element, MemorySegment target) {
        device.exclusively(() -> {
            OpenClAllocation memory = words(source, element, target.byteSize());
            if (target.isNative()) {
                read(memory, element, target);
                return;
            }
            try (Arena copies = Arena.ofConfined()) {
                MemorySegment copy = copies.allocate(Math.max(1, target.byteSize()), Long.BYTES)
                        .asSlice(0, target.byteSize());
                read(memory, element, copy);
                target.copyFrom(copy);
            }
        });
    }

    private void read(OpenClAllocation memory, long element, MemorySegment target) {
        if (target.byteSize() > 0) {
            calls.read(handle, memory.handle(), element * Integer.BYTES, target);
        } else {
            calls.finish(handle);
        }
        idle();
    }

    /** Waits until all that was enqueued is done. */
    void finish() {
        calls.finish(handle);
        idle();
    }

    private void idle() {
        staged = 0;
        pending = 0;
    }

    /** The memory of a buffer, in which {@code bytes} bytes from an element on must lie. */
    private OpenClAllocation words(Buffer buffer, long element, long bytes) {
        if (!(buffer instanceof OpenClBuffer words) || !device.owns(words) || buffer.type() == ElementType.Q8) {
            throw new IllegalArgumentException(
                    "the host can read and write buffers of F32 and I32 of this device, not one of " + buffer.type());
        }
        long room = (long) buffer.rows() * buffer.width() - element;
        if (element < 0 || bytes % Integer.BYTES != 0 || bytes / Integer.BYTES > room) {
            throw new IllegalArgumentException(
                    bytes + " bytes from element " + element + " on do not lie in a buffer of " + buffer.type() + " ("
                            + buffer.rows() + ", " + buffer.width() + ")");
        }
        if (words.values().isClosed()) {
            throw new IllegalStateException(
                    "the buffer of " + buffer.type() + " (" + buffer.rows() + ", " + buffer.width() + ") is closed");
        }
        return words.values();
    }

    /** Frees the staging memory; the device has nothing left to do. */
    void close() {
        arena.close();
    }
}
