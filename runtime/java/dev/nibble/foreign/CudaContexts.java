package dev.nibble.foreign;

import static dev.nibble.foreign.CudaFunction.*;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * The contexts of a CUDA driver: what a program owns on a device. Each thread has a stack of them, whose top is the current one. A
 * device's primary context is the one that the CUDA runtime and most libraries share.
 */
public final class CudaContexts {
    /** A flag: a thread that waits for the device sleeps. */
    public static final int BLOCKING_SYNC = 4;

    private final CudaLink link;

    CudaContexts(CudaLink link) {
        this.link = link;
    }

    /** The primary context of a device, made if nobody has it, with one more owner. It is not made the current one. */
    public long retainPrimary(int device) {
        return link.queryLong(DEVICE_PRIMARY_CTX_RETAIN, (address, value) ->
                (int) CudaSignatures.RESULT_OF_INT.invokeExact(address, value, device));
    }

    /** Counts one owner less of a primary context; without an owner it is destroyed. */
    public void releasePrimary(int device) {
        link.call(DEVICE_PRIMARY_CTX_RELEASE, address -> (int) CudaSignatures.INT.invokeExact(address, device));
    }

    /** Chooses how a primary context waits. */
    public void setPrimaryFlags(int device, int flags) {
        link.call(DEVICE_PRIMARY_CTX_SET_FLAGS, address ->
                (int) CudaSignatures.TWO_INTS.invokeExact(address, device, flags));
    }

    /** The flags of a primary context. */
    public int primaryFlags(int device) {
        return primaryState(device)[0];
    }

    /** Whether a primary context has an owner. */
    public boolean isPrimaryActive(int device) {
        return primaryState(device)[1] != 0;
    }

    private int[] primaryState(int device) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment flags = arena.allocate(JAVA_INT);
            MemorySegment active = arena.allocate(JAVA_INT);
            link.call(DEVICE_PRIMARY_CTX_GET_STATE, address ->
                    (int) CudaSignatures.PRIMARY_STATE.invokeExact(address, device, flags, active));
            return new int[] {flags.get(JAVA_INT, 0), active.get(JAVA_INT, 0)};
        }
    }

    /** The current context of this thread; 0 if there is none. */
    public long current() {
        return link.queryLong(
                CTX_GET_CURRENT, (address, value) -> (int) CudaSignatures.RESULT.invokeExact(address, value));
    }

    /** Replaces the current context of this thread; 0 takes it away. */
    public void setCurrent(long context) {
        link.callObject(CTX_SET_CURRENT, context);
    }

    /** Makes a context the current one of this thread, on top of the one that was. */
    public void push(long context) {
        link.callObject(CTX_PUSH_CURRENT, context);
    }

    /** Takes the current context of this thread from its stack and returns it. */
    public long pop() {
        return link.queryLong(
                CTX_POP_CURRENT, (address, value) -> (int) CudaSignatures.RESULT.invokeExact(address, value));
    }

    /** The device of the current context. */
    public int device() {
        return link.queryInt(
                CTX_GET_DEVICE, (address, value) -> (int) CudaSignatures.RESULT.invokeExact(address, value));
    }

    /** Waits for all work of the current context. */
    public void synchronize() {
        link.call(CTX_SYNCHRONIZE, address -> (int) CudaSignatures.NOTHING.invokeExact(address));
    }

    /** Lets kernels of the current context use the memory of another context on another device. */
    public void enablePeerAccess(long peer) {
        link.call(CTX_ENABLE_PEER_ACCESS, address -> (int) CudaSignatures.OBJECT_INT.invokeExact(address, peer, 0));
    }

    /** Takes back what {@link #enablePeerAccess} allowed. */
    public void disablePeerAccess(long peer) {
        link.callObject(CTX_DISABLE_PEER_ACCESS, peer);
    }
}
