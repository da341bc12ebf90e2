package dev.nibble.device.cuda;

import dev.nibble.device.DeviceException;
import dev.nibble.foreign.CudaException;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;

/** The way to the driver for one device: one thread at a time, in the device's context. */
final class CudaAccess {
    private static final System.Logger LOG = System.getLogger(CudaAccess.class.getName());

    private final CudaHandles handles;

    /**
     * Held while the context is the current one, so that nothing is enqueued with memory that is gone. Fair: a thread that enqueues step
     * after step lets another one close the device.
     */
    private final ReentrantLock lock = new ReentrantLock(true);

    private volatile boolean closed;

    CudaAccess(CudaHandles handles) {
        this.handles = handles;
    }

    private String device() {
        return "device " + handles.traits().device();
    }

    /** Does something while no other thread uses the device, in its context if that is still there. */
    void locked(Runnable action) {
        lock.lock();
        try {
            boolean entered = lock.getHoldCount() == 1 && release(handles::enter);
            try {
                action.run();
            } finally {
                if (entered) {
                    release(handles::leave);
                }
            }
        } finally {
            lock.unlock();
        }
    }

    /**
     * Does something while no other thread uses the device or closes it, in its context.
     *
     * @throws DeviceException if a call of the driver fails
     */
    void exclusively(Runnable action) {
        supply(() -> {
            action.run();
            return true;
        });
    }

    /** As {@link #exclusively}, with a result. */
    <T> T supply(Supplier<T> action) {
        lock.lock();
        try {
            checkOpen();
            return lock.getHoldCount() == 1 ? inContext(action) : action.get();
        } catch (CudaException e) {
            throw new DeviceException(device() + ": " + e.getMessage() + "; " + remedy(e));
        } finally {
            lock.unlock();
        }
    }

    private <T> T inContext(Supplier<T> action) {
        handles.enter();
        try {
            return action.get();
        } finally {
            release(handles::leave);
        }
    }

    /** What to do about an error. */
    String remedy(CudaException error) {
        if (!error.isContextLost()) {
            return "if it goes on, close the model and open it anew, or update the driver";
        }
        return handles.ownsContext()
                ? "the CUDA context is lost: close the model and open it anew"
                : "the application's CUDA context is lost: close the model, and let the application make a new context";
    }

    /**
     * Lets go of something. Where the device is lost, the driver may refuse that: what was on the device is gone with it.
     *
     * @return whether it did
     */
    boolean release(Runnable call) {
        try {
            call.run();
            return true;
        } catch (CudaException e) {
            LOG.log(System.Logger.Level.DEBUG, device(), e);
            return false;
        }
    }

    /** @throws IllegalStateException if the device is closed */
    void checkOpen() {
        if (closed) {
            throw new IllegalStateException(device() + " is closed");
        }
    }

    /** Frees what the device has, then lets go of what it runs on. Closing again does nothing. */
    void close(Runnable free) {
        lock.lock();
        try {
            if (closed) {
                return;
            }
            closed = true;
            boolean entered = release(handles::enter);
            free.run();
            release(handles::destroyStream);
            if (entered) {
                release(handles::leave);
            }
            release(handles::releaseContext);
        } finally {
            lock.unlock();
        }
    }
}
