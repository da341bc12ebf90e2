package dev.nibble.device.opencl;

import dev.nibble.foreign.OpenCl;
import dev.nibble.foreign.OpenClException;
import dev.nibble.foreign.OpenClInfo;
import java.util.List;
import java.util.function.LongConsumer;

/**
 * What a device runs on, made for it or borrowed from an application; it lets go of both when it closes.
 *
 * @param context the context
 * @param queue a queue of the context
 * @param releaseContext lets go of the context
 */
record OpenClHandles(long context, long queue, LongConsumer releaseContext) {
    /** The context of a device's platform, and a new queue. */
    static OpenClHandles make(OpenCl calls, DeviceTraits device, List<DeviceTraits> all) {
        long context = OpenClContext.acquire(calls, device, all);
        LongConsumer release = last -> OpenClContext.release(calls, last);
        try {
            return new OpenClHandles(context, calls.createQueue(context, device.id(), 0), release);
        } catch (OpenClException e) {
            release.accept(context);
            throw e;
        }
    }

    /**
     * Takes part in an application's objects.
     *
     * @throws IllegalArgumentException if they do not belong together, or cannot be used
     */
    static OpenClHandles borrow(OpenCl calls, long context, long device, long queue) {
        if (calls.queueInfo(queue, OpenClInfo.QUEUE_CONTEXT).integer() != context
                || calls.queueInfo(queue, OpenClInfo.QUEUE_DEVICE).integer() != device) {
            throw new IllegalArgumentException("the OpenCL queue is not one of this context and device");
        }
        if ((calls.queueInfo(queue, OpenClInfo.QUEUE_PROPERTIES).integer() & OpenClInfo.QUEUE_OUT_OF_ORDER) != 0) {
            throw new IllegalArgumentException(
                    "the OpenCL queue runs commands out of order; make one without that property");
        }
        calls.retainContext(context);
        calls.retainQueue(queue);
        return new OpenClHandles(context, queue, calls::releaseContext);
    }
}
