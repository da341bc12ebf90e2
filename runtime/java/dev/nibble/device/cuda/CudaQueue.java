package dev.nibble.device.cuda;

import dev.nibble.device.Buffer;
import dev.nibble.device.HostCopy;
import dev.nibble.device.Mark;
import dev.nibble.device.Queue;
import dev.nibble.device.Step;
import dev.nibble.device.kernel.Allocation;
import dev.nibble.device.kernel.KernelBuffer;
import dev.nibble.foreign.Cuda;
import dev.nibble.foreign.CudaException;
import dev.nibble.foreign.CudaMemory;
import dev.nibble.foreign.CudaStreams;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.OptionalDouble;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;

/** The queue of a CUDA device: a stream, which runs what is enqueued in order. */
final class CudaQueue implements Queue {
    /** Host memory for copies that were enqueued and may not be done yet. */
    private static final long STAGING_BYTES = 4 << 20;

    private static final int ALIGNMENT = 16;

    /** Nanoseconds that are not worth sleeping. */
    private static final long SHORT_WAIT = 50_000;

    private static final double MILLIS = 1e3;

    private final CudaDevice device;
    private final Cuda calls;
    private final long stream;
    private final MemorySegment staging;
    private final WordWrites few;
    private final CudaFetches fetches;

    /** Marks a place in the stream, for other streams to wait for. */
    private final long event;

    private long staged;
    private boolean busy;
    private long usualWait;

    /** Made in the device's context. */
    CudaQueue(CudaDevice device, Cuda calls, long stream) {
        this.device = device;
        this.calls = calls;
        this.stream = stream;
        this.few = new WordWrites(device);
        this.event = calls.streams().createEvent(CudaStreams.EVENT_DISABLE_TIMING);
        try {
            this.staging = calls.memory().allocateHost(STAGING_BYTES, CudaMemory.PORTABLE);
        } catch (CudaException e) {
            calls.streams().destroyEvent(event);
            throw e;
        }
        try {
            this.fetches = new CudaFetches(device, calls);
        } catch (CudaException e) {
            calls.memory().freeHost(staging);
            calls.streams().destroyEvent(event);
            throw e;
        }
    }

    @Override
    public void write(Buffer target, long element, MemorySegment source) {
        device.exclusively(() -> write(words(target, element, source.byteSize()), source));
    }

    private void write(long address, MemorySegment source) {
        for (long done = 0; done < source.byteSize(); ) {
            long part = Math.min(source.byteSize() - done, STAGING_BYTES);
            MemorySegment copy = stage(part).copyFrom(source.asSlice(done, part));
            calls.memory().toDevice(address + done, copy, stream);
            done += part;
        }
    }

    /** Small ones go with one launch. */
    @Override
    public void write(List<HostCopy> copies) {
        device.exclusively(() -> {
            long[] addresses = addresses(copies);
            busy = true;
            for (int i = 0; i < addresses.length; i++) {
                MemorySegment source = copies.get(i).memory();
                if (WordWrites.fits(source)) {
                    few.add(addresses[i], source, stream);
                } else {
                    few.enqueue(stream);
                    write(addresses[i], source);
                }
            }
            few.enqueue(stream);
        });
    }

    private long[] addresses(List<HostCopy> copies) {
        long[] addresses = new long[copies.size()];
        for (int i = 0; i < addresses.length; i++) {
            HostCopy copy = copies.get(i);
            addresses[i] = words(copy.buffer(), copy.element(), copy.memory().byteSize());
        }
        return addresses;
    }

    /** Pinned host memory that stays as it is until the device has done what uses it. */
    private MemorySegment stage(long bytes) {
        if (staged + bytes > STAGING_BYTES) {
            finish();
        }
        MemorySegment part = staging.asSlice(staged, bytes);
        staged += aligned(bytes);
        busy = true;
        return part;
    }

    private static long aligned(long bytes) {
        return Math.ceilDiv(bytes, ALIGNMENT) * ALIGNMENT;
    }

    @Override
    public void submit(Step step) {
        CudaStep prepared = own(step);
        device.exclusively(() -> {
            checkExchanges();
            busy = true;
            prepared.enqueue(stream);
        });
    }

    private CudaStep own(Step step) {
        if (!(step instanceof CudaStep prepared) || prepared.device() != device) {
            throw new IllegalArgumentException("the step was prepared by another device");
        }
        return prepared;
    }

    /** Between two marks in the stream. */
    @Override
    public OptionalDouble time(Step step) {
        CudaStep prepared = own(step);
        return OptionalDouble.of(device.supply(() -> {
            finish();
            long start = calls.streams().createEvent(0);
            try {
                long end = calls.streams().createEvent(0);
                try {
                    busy = true;
                    calls.streams().record(start, stream);
                    prepared.enqueue(stream);
                    calls.streams().record(end, stream);
                    finish();
                    return calls.streams().elapsed(start, end) / MILLIS;
                } finally {
                    calls.streams().destroyEvent(end);
                }
            } finally {
                calls.streams().destroyEvent(start);
            }
        }));
    }

    @Override
    public Mark mark() {
        return device.supply(() -> {
            long marked = calls.streams().createEvent(0);
            calls.streams().record(marked, stream);
            busy = true;
            return new CudaMark(device, calls.streams(), marked);
        });
    }

    @Override
    public void read(Buffer source, long element, MemorySegment target) {
        device.exclusively(() -> read(words(source, element, target.byteSize()), target));
    }

    /** All that fit into pinned memory together are waited for together. */
    @Override
    public void read(List<HostCopy> copies) {
        device.exclusively(() -> {
            long[] addresses = addresses(copies);
            long bytes = copies.stream()
                    .mapToLong(copy -> aligned(copy.memory().byteSize()))
                    .sum();
            if (staged + bytes > STAGING_BYTES) {
                finish();
            }
            if (bytes > STAGING_BYTES) {
                for (int i = 0; i < addresses.length; i++) {
                    read(addresses[i], copies.get(i).memory());
                }
                return;
            }
            MemorySegment[] parts = new MemorySegment[addresses.length];
            for (int i = 0; i < addresses.length; i++) {
                parts[i] = stage(copies.get(i).memory().byteSize());
                calls.memory().toHost(parts[i], addresses[i], stream);
            }
            finish();
            checkExchanges();
            for (int i = 0; i < addresses.length; i++) {
                copies.get(i).memory().copyFrom(parts[i]);
            }
        });
    }

    @Override
    public boolean runsAhead() {
        return true;
    }

    @Override
    public Fetch fetch(Buffer source, MemorySegment target) {
        // Who meets other devices looks after them while it waits.
        if (target.byteSize() > CudaFetches.MOST_BYTES || !device.exchanges().isEmpty()) {
            return Queue.super.fetch(source, target);
        }
        return device.supply(() -> {
            busy = true;
            return fetches.begin(words(source, 0, target.byteSize()), target, stream);
        });
    }

    /** Reads all of some memory. */
    void read(Allocation source, MemorySegment target) {
        device.exclusively(() -> read(source.handle(), target));
    }

    private void read(long address, MemorySegment target) {
        if (target.byteSize() == 0) {
            finish();
        }
        for (long done = 0; done < target.byteSize(); ) {
            long part = Math.min(target.byteSize() - done, STAGING_BYTES);
            MemorySegment copy = stage(part);
            calls.memory().toHost(copy, address + done, stream);
            finish();
            checkExchanges();
            target.asSlice(done, part).copyFrom(copy);
            done += part;
        }
    }

    @Override
    public void copyRow(Buffer source, int row, Buffer target) {
        Queue.checkReceive(target, source, 1);
        long bytes = (long) source.width() * Integer.BYTES;
        device.exclusively(() -> {
            long from = words(source, (long) row * source.width(), bytes);
            calls.memory().copy(words(target, 0, bytes), from, bytes, stream);
            busy = true;
        });
    }

    /** Copies from device to device where one reaches the other's memory, through pinned host memory elsewhere. */
    @Override
    public void receive(Buffer target, Queue other, Buffer source, int rows) {
        Queue.checkReceive(target, source, rows);
        long bytes = (long) rows * source.width() * Integer.BYTES;
        device.exclusively(() -> {
            long to = words(target, 0, bytes);
            if (other instanceof CudaQueue peer && peer.device.reaches(device)) {
                calls.streams().record(event, stream);
                peer.send(this, source, to, bytes);
                after(peer);
                return;
            }
            for (long done = 0; done < bytes; ) {
                long part = Math.min(bytes - done, STAGING_BYTES);
                MemorySegment copy = stage(part);
                if (other instanceof CudaQueue peer) {
                    peer.send(source, done / Integer.BYTES, copy);
                    after(peer);
                } else {
                    other.read(source, done / Integer.BYTES, copy);
                }
                calls.memory().toDevice(to + done, copy, stream);
                done += part;
            }
        });
    }

    /** Enqueues a copy to a device, behind what is enqueued here and behind its mark, and marks the end of the copy. */
    private void send(CudaQueue receiver, Buffer source, long target, long bytes) {
        device.exclusively(() -> {
            after(receiver);
            long from = words(source, 0, bytes);
            calls.memory().copyPeer(target, receiver.device.context(), from, device.context(), bytes, stream);
            calls.streams().record(event, stream);
        });
    }

    /** Enqueues a copy to pinned host memory, and marks its end. */
    private void send(Buffer source, long element, MemorySegment target) {
        device.exclusively(() -> {
            calls.memory().toHost(target, words(source, element, target.byteSize()), stream);
            calls.streams().record(event, stream);
            busy = true;
        });
    }

    /** Lets what is enqueued from now on begin behind the mark of another queue. */
    private void after(CudaQueue other) {
        calls.streams().waitEvent(stream, other.event);
        busy = true;
    }

    /** Waits until all that was enqueued is done. */
    void finish() {
        await(() -> calls.streams().isDone(stream), () -> calls.streams().synchronize(stream));
        staged = 0;
        busy = false;
    }

    /** Waits for an event of this stream, and checks what led to it. */
    void await(long event) {
        await(() -> calls.streams().isEventDone(event), () -> calls.streams().synchronizeEvent(event));
        checkExchanges();
    }

    /**
     * Waits. Where devices meet, it looks whether that is over, and whether a device was waited for in vain: this one may be it. It sleeps
     * for most of the time that the last time was like.
     */
    private void await(BooleanSupplier done, Runnable wait) {
        if (device.exchanges().isEmpty()) {
            wait.run();
            return;
        }
        long start = System.nanoTime();
        LockSupport.parkNanos(usualWait * 3 / 4);
        while (!done.getAsBoolean()) {
            checkExchanges();
            Thread.yield();
        }
        usualWait = Math.min(2 * usualWait + SHORT_WAIT, System.nanoTime() - start);
    }

    /** Checks that no device that meets this one was waited for in vain. */
    private void checkExchanges() {
        device.exchanges().forEach(CudaExchange::check);
    }

    /** Waits until all that was enqueued is done, if anything was. */
    void settle() {
        if (busy) {
            finish();
        }
    }

    /** The address of an element of a buffer, from which on {@code bytes} bytes must lie in it. */
    private long words(Buffer buffer, long element, long bytes) {
        return KernelBuffer.words(buffer, element, bytes, device.memory()).handle() + element * Integer.BYTES;
    }

    /** Enqueues launches that begin behind one event, which another stream records, and have another event mark their end. */
    void launch(List<KernelLaunch> launches, long begin, long end) {
        busy = true;
        calls.streams().waitEvent(stream, begin);
        launches.forEach(launch -> device.launch(launch, stream));
        calls.streams().record(end, stream);
    }

    /** Enqueues the filling of memory with an integer. */
    void fill(Allocation target, int value) {
        device.exclusively(() -> {
            calls.memory().fillInts(target.handle(), value, target.bytes() / Integer.BYTES, stream);
            busy = true;
        });
    }

    /** Waits until all that was enqueued is done. */
    void await() {
        device.exclusively(this::finish);
    }

    /** Frees the staging memory; the device has nothing left to do. */
    void close() {
        fetches.close();
        device.access().release(() -> calls.streams().destroyEvent(event));
        device.access().release(() -> calls.memory().freeHost(staging));
    }
}
