package dev.nibble.foreign;

import static dev.nibble.foreign.CudaFunction.*;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.UUID;

/** What a CUDA driver says of its devices. */
public final class CudaDevices {
    private static final int LONGEST_NAME = 256;
    private static final int UUID_BYTES = 16;

    private final CudaLink link;

    CudaDevices(CudaLink link) {
        this.link = link;
    }

    /** How many devices there are. */
    public int count() {
        return link.queryInt(
                DEVICE_GET_COUNT, (address, value) -> (int) CudaSignatures.RESULT.invokeExact(address, value));
    }

    /** The device with an ordinal below {@link #count}. */
    public int get(int ordinal) {
        return link.queryInt(DEVICE_GET, (address, value) ->
                (int) CudaSignatures.RESULT_OF_INT.invokeExact(address, value, ordinal));
    }

    /** The product's name. */
    public String name(int device) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment name = arena.allocate(LONGEST_NAME);
            link.call(DEVICE_GET_NAME, address ->
                    (int) CudaSignatures.DEVICE_NAME.invokeExact(address, name, LONGEST_NAME, device));
            return name.getString(0).strip();
        }
    }

    /** A number that no other device has. */
    public UUID uuid(int device) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment bytes = arena.allocate(UUID_BYTES);
            link.call(
                    DEVICE_GET_UUID, address -> (int) CudaSignatures.RESULT_OF_INT.invokeExact(address, bytes, device));
            ByteBuffer number = ByteBuffer.wrap(bytes.toArray(JAVA_BYTE));
            return new UUID(number.getLong(), number.getLong());
        }
    }

    /** One of the numbers that describe a device. */
    public int attribute(int device, CudaAttribute attribute) {
        int number = attribute.number();
        return link.queryInt(DEVICE_GET_ATTRIBUTE, (address, value) ->
                (int) CudaSignatures.RESULT_OF_TWO_INTS.invokeExact(address, value, number, device));
    }

    /** The size of a device's memory in bytes. */
    public long totalMemory(int device) {
        return link.queryLong(DEVICE_TOTAL_MEM, (address, value) ->
                (int) CudaSignatures.RESULT_OF_INT.invokeExact(address, value, device));
    }

    /** Whether kernels on a device may use the memory of another one, once {@link CudaContexts#enablePeerAccess} allows it. */
    public boolean canAccessPeer(int device, int peer) {
        return link.queryInt(DEVICE_CAN_ACCESS_PEER, (address, value) ->
                        (int) CudaSignatures.RESULT_OF_TWO_INTS.invokeExact(address, value, device, peer))
                != 0;
    }
}
