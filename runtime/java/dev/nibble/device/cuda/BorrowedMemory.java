package dev.nibble.device.cuda;

import dev.nibble.device.ElementType;
import dev.nibble.foreign.CudaMemory;
import dev.nibble.foreign.CudaPointerAttribute;

/** Checks memory that an application lends. */
final class BorrowedMemory {
    private BorrowedMemory() {}

    /**
     * Checks that so many elements lie at an address in a context of a device.
     *
     * @throws IllegalArgumentException if they do not
     */
    static void check(CudaHandles handles, long pointer, ElementType type, long elements) {
        CudaTraits device = handles.traits();
        long[] known = handles.calls()
                .memory()
                .attributes(
                        pointer,
                        CudaPointerAttribute.MEMORY_TYPE,
                        CudaPointerAttribute.DEVICE_ORDINAL,
                        CudaPointerAttribute.RANGE_START,
                        CudaPointerAttribute.RANGE_SIZE,
                        CudaPointerAttribute.CONTEXT);
        String address = "the address 0x" + Long.toHexString(pointer);
        if ((int) known[0] != CudaMemory.DEVICE || (int) known[1] != device.ordinal()) {
            throw new IllegalArgumentException(address + " is not memory of device " + device.device());
        }
        // Memory of a pool belongs to no context.
        if (known[4] != 0 && known[4] != handles.context()) {
            throw new IllegalArgumentException(address + " belongs to another CUDA context than the device");
        }
        long room = known[2] + known[3] - pointer;
        if (type == ElementType.Q8 || room / Float.BYTES < elements || pointer % Float.BYTES != 0) {
            throw new IllegalArgumentException(
                    address + ", with " + room + " bytes behind it, cannot be taken for " + elements + " of " + type);
        }
    }
}
