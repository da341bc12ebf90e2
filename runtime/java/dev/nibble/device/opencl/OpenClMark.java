package dev.nibble.device.opencl;

import dev.nibble.device.Mark;
import dev.nibble.foreign.OpenCl;
import dev.nibble.foreign.OpenClInfo;

/** A place in the queue of an OpenCL device: the event of a barrier, which has its time where the queue keeps times. */
final class OpenClMark implements Mark {
    private static final double NANOS = 1e9;

    private final OpenClDevice device;
    private final OpenCl calls;
    private final long event;
    private boolean closed;

    OpenClMark(OpenClDevice device, OpenCl calls, long event) {
        this.device = device;
        this.calls = calls;
        this.event = event;
    }

    @Override
    public double secondsSince(Mark earlier) {
        if (!(earlier instanceof OpenClMark before) || before.device != device) {
            throw new IllegalArgumentException("the marks are of different queues");
        }
        return device.supply(() -> {
            device.queue().finish();
            return (end() - before.end()) / NANOS;
        });
    }

    private long end() {
        return calls.profilingInfo(event, OpenClInfo.PROFILING_END);
    }

    @Override
    public void close() {
        if (!closed) {
            closed = true;
            device.release(calls::forget, event);
        }
    }
}
