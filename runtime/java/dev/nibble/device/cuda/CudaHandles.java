package dev.nibble.device.cuda;

import dev.nibble.foreign.Cuda;
import dev.nibble.foreign.CudaStreams;

/**
 * What a device runs on, made for it or borrowed from an application.
 *
 * @param context the context
 * @param stream where its work is enqueued
 * @param ownsContext whether the context is the device's primary one, kept alive by this
 * @param ownsStream whether the stream was made for it
 */
record CudaHandles(Cuda calls, CudaTraits traits, long context, long stream, boolean ownsContext, boolean ownsStream) {
    /** The primary context of a device, and a new stream. */
    static CudaHandles primary(Cuda calls, CudaTraits traits) {
        long context = calls.contexts().retainPrimary(traits.id());
        try {
            long stream = inContext(calls, context, () -> calls.streams().create(CudaStreams.NON_BLOCKING));
            return new CudaHandles(calls, traits, context, stream, true, true);
        } catch (RuntimeException | Error e) {
            calls.contexts().releasePrimary(traits.id());
            throw e;
        }
    }

    /** An application's context, and a new stream, which is in order with the default one. */
    static CudaHandles borrow(Cuda calls, CudaTraits traits, long context) {
        long stream = inContext(calls, context, () -> calls.streams().create(0));
        return new CudaHandles(calls, traits, context, stream, false, true);
    }

    /**
     * An application's context and stream.
     *
     * @throws IllegalArgumentException if they do not belong together
     */
    static CudaHandles borrow(Cuda calls, CudaTraits traits, long context, long stream) {
        if (inContext(calls, context, () -> calls.streams().context(stream)) != context) {
            throw new IllegalArgumentException("the CUDA stream is not one of this context");
        }
        return new CudaHandles(calls, traits, context, stream, false, false);
    }

    private interface Question {
        long ask();
    }

    private static long inContext(Cuda calls, long context, Question question) {
        calls.contexts().push(context);
        try {
            return question.ask();
        } finally {
            calls.contexts().pop();
        }
    }

    /** Makes the context the current one of this thread, until {@link #leave}. */
    void enter() {
        calls.contexts().push(context);
    }

    /** Makes that context the current one that was so before {@link #enter}. */
    void leave() {
        calls.contexts().pop();
    }

    /** Destroys the stream, if it was made for the device, which is to be in its context. */
    void destroyStream() {
        if (ownsStream) {
            calls.streams().destroy(stream);
        }
    }

    /** Lets go of the context, which is to be the current one no more. */
    void releaseContext() {
        if (ownsContext) {
            calls.contexts().releasePrimary(traits.id());
        }
    }
}
