package dev.nibble.device.cuda;

import dev.nibble.device.Mark;
import dev.nibble.foreign.CudaStreams;

/** A place in the stream of a CUDA device: an event, which has the time on the device's clock. */
final class CudaMark implements Mark {
    private static final double MILLIS = 1e3;

    private final CudaDevice device;
    private final CudaStreams calls;
    private final long event;
    private boolean closed;

    CudaMark(CudaDevice device, CudaStreams calls, long event) {
        this.device = device;
        this.calls = calls;
        this.event = event;
    }

    @Override
    public double secondsSince(Mark earlier) {
        if (!(earlier instanceof CudaMark before) || before.device != device) {
            throw new IllegalArgumentException("the marks are of different queues");
        }
        return device.supply(() -> {
            calls.synchronizeEvent(event);
            return calls.elapsed(before.event, event) / MILLIS;
        });
    }

    @Override
    public void close() {
        if (!closed) {
            closed = true;
            device.access().locked(() -> device.access().release(() -> calls.destroyEvent(event)));
        }
    }
}
