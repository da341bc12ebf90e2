package dev.nibble.device.opencl;

import dev.nibble.device.Buffer;
import dev.nibble.device.DeviceException;
import dev.nibble.device.Mark;
import dev.nibble.device.Queue;
import dev.nibble.device.Step;
import dev.nibble.device.kernel.Allocation;
import dev.nibble.device.kernel.KernelBuffer;
import dev.nibble.foreign.OpenCl;
import dev.nibble.foreign.OpenClException;
import dev.nibble.foreign.OpenClInfo;
import java.lang.foreign.MemorySegment;
import java.util.List;

/** The queue of an OpenCL device, which runs commands in order. */
final class OpenClQueue implements Queue {
    /** Host memory for writes that were enqueued and may not be done yet. */
    static final long STAGING_BYTES = 4 << 20;

    /** Enqueued commands after which the host waits, so that a host faster than its device does not fill the driver's memory. */
    private static final int MOST_PENDING = 1 << 14;

    private final OpenClDevice device;
    private final OpenCl calls;
    private final long untimed;
    private final long stagingBuffer;
    private final MemorySegment staging;
    private final OpenClFetches fetches;
    private long staged;
    private int pending;

    /** The queue in use: {@link #untimed}, or while times are asked for, {@link #timed}. */
    private long handle;

    /** A queue whose events have their times; 0 until it is needed. */
    private long timed;

    OpenClQueue(OpenClDevice device, OpenCl calls, long handle) {
        this.device = device;
        this.calls = calls;
        this.handle = handle;
        this.untimed = handle;
        this.fetches = new OpenClFetches(device, calls);
        this.stagingBuffer = device.createStaging(STAGING_BYTES);
        try {
            this.staging = calls.map(handle, stagingBuffer, OpenClInfo.MAP_READ | OpenClInfo.MAP_WRITE, STAGING_BYTES);
        } catch (OpenClException e) {
            calls.releaseBuffer(stagingBuffer);
            throw e;
        }
    }

    /** The queue's handle. */
    long handle() {
        return handle;
    }

    @Override
    public void write(Buffer target, long element, MemorySegment source) {
        device.exclusively(() -> {
            Allocation memory = words(target, element, source.byteSize());
            long offset = element * Integer.BYTES;
            for (long done = 0; done < source.byteSize(); ) {
                long part = Math.min(source.byteSize() - done, STAGING_BYTES);
                MemorySegment copy = stage(part).copyFrom(source.asSlice(done, part));
                calls.write(handle, memory.handle(), offset + done, copy);
                done += part;
            }
        });
    }

    /** Pinned host memory that stays as it is until the device has read it. */
    private MemorySegment stage(long bytes) {
        if (staged + bytes > STAGING_BYTES) {
            finish();
        }
        MemorySegment part = staging.asSlice(staged, bytes);
        staged += (bytes + Long.BYTES - 1) / Long.BYTES * Long.BYTES;
        return part;
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
                launch(launches.get(i));
            }
            calls.flush(handle);
            pending += launches.size();
            if (pending > MOST_PENDING) {
                finish();
            }
        });
    }

    /** Times cost something on each command, so another queue has them; what was enqueued to the one is done before the other is used. */
    @Override
    public void keepTime(boolean wanted) {
        device.exclusively(() -> {
            finish();
            if (wanted && timed == 0) {
                timed = device.createTimedQueue();
            }
            handle = wanted ? timed : untimed;
        });
    }

    @Override
    public Mark mark() {
        return new OpenClMark(device, calls, device.supply(() -> calls.barrier(handle)));
    }

    private void launch(Launch launch) {
        try {
            calls.launch(
                    handle, launch.kernel(), launch.dimensions(), launch.global(), launch.local(), MemorySegment.NULL);
        } catch (OpenClException e) {
            throw new DeviceException("device " + device.name() + ", kernel " + launch.describe() + ": "
                    + e.getMessage() + "; open the model anew");
        }
    }

    @Override
    public void read(Buffer source, long element, MemorySegment target) {
        device.exclusively(() -> {
            Allocation memory = words(source, element, target.byteSize());
            if (target.isNative() || target.byteSize() == 0) {
                read(memory, element, target);
                return;
            }
            for (long done = 0; done < target.byteSize(); ) {
                long part = Math.min(target.byteSize() - done, STAGING_BYTES);
                MemorySegment copy = stage(part);
                read(memory, element + done / Integer.BYTES, copy);
                target.asSlice(done, part).copyFrom(copy);
                done += part;
            }
        });
    }

    @Override
    public boolean runsAhead() {
        return true;
    }

    @Override
    public Fetch fetch(Buffer source, MemorySegment target) {
        if (target.byteSize() == 0 || target.byteSize() > OpenClFetches.MOST_BYTES) {
            return Queue.super.fetch(source, target);
        }
        return device.supply(() -> {
            int before = pending;
            long memory = words(source, 0, target.byteSize()).handle();
            return fetches.begin(handle, memory, target, () -> pending = Math.max(0, pending - before));
        });
    }

    /** Reads all of some memory into native memory. */
    void read(Allocation source, MemorySegment target) {
        device.exclusively(() -> read(source, 0, target));
    }

    private void read(Allocation memory, long element, MemorySegment target) {
        if (target.byteSize() > 0) {
            calls.read(handle, memory.handle(), element * Integer.BYTES, target);
        } else {
            calls.finish(handle);
        }
        idle();
    }

    @Override
    public void copyRow(Buffer source, int row, Buffer target) {
        Queue.checkReceive(target, source, 1);
        long bytes = (long) source.width() * Integer.BYTES;
        device.exclusively(() -> {
            long from = words(source, (long) row * source.width(), bytes).handle();
            long to = words(target, 0, bytes).handle();
            calls.forget(calls.copy(handle, from, row * bytes, to, 0, bytes));
            calls.flush(handle);
            pending++;
        });
    }

    /** Copies on the devices where they share a context, through pinned host memory elsewhere. */
    @Override
    public void receive(Buffer target, Queue other, Buffer source, int rows) {
        Queue.checkReceive(target, source, rows);
        long count = (long) rows * source.width();
        device.exclusively(() -> {
            Allocation memory = words(target, 0, count * Integer.BYTES);
            if (other instanceof OpenClQueue peer && peer.device.sharesContext(device)) {
                // What was enqueued here may still read what the copy replaces.
                long free = calls.barrier(handle);
                calls.flush(handle);
                calls.after(handle, peer.copy(source, memory, count, free));
                pending++;
                return;
            }
            for (long done = 0; done < count; ) {
                long part = Math.min(count - done, STAGING_BYTES / Integer.BYTES);
                MemorySegment copy = stage(part * Integer.BYTES);
                other.read(source, done, copy);
                calls.write(handle, memory.handle(), done * Integer.BYTES, copy);
                done += part;
            }
        });
    }

    /** Enqueues a copy from this device to another, behind what is enqueued here and behind an event; returns its own event. */
    private long copy(Buffer source, Allocation target, long count, long free) {
        return device.supply(() -> {
            calls.after(handle, free);
            Allocation memory = words(source, 0, count * Integer.BYTES);
            long event = calls.copy(handle, memory.handle(), 0, target.handle(), 0, count * Integer.BYTES);
            calls.flush(handle);
            pending++;
            return event;
        });
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

    private Allocation words(Buffer buffer, long element, long bytes) {
        return KernelBuffer.words(buffer, element, bytes, device.memory());
    }

    /** Enqueues the filling of memory with an integer. */
    void fill(Allocation target, int value) {
        device.exclusively(() -> calls.fill(handle, target.handle(), value, 0, target.bytes()));
    }

    /** Waits until all that was enqueued is done. */
    void await() {
        device.exclusively(this::finish);
    }

    /** Frees the staging memory; the device has nothing left to do. */
    void close() {
        fetches.close();
        device.release(buffer -> calls.unmap(handle, buffer, staging), stagingBuffer);
        device.release(calls::finish, handle);
        device.release(calls::releaseBuffer, stagingBuffer);
        device.release(calls::releaseQueue, untimed);
        if (timed != 0) {
            device.release(calls::releaseQueue, timed);
        }
    }
}
