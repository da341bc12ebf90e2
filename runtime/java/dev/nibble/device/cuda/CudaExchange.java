package dev.nibble.device.cuda;

import dev.nibble.device.DeviceException;
import dev.nibble.device.Exchange;
import dev.nibble.device.kernel.Allocation;
import dev.nibble.device.kernel.KernelBuffer;
import dev.nibble.device.kernel.KernelPart;
import java.util.List;
import java.util.stream.Stream;

/** The place of one device in a meeting of several: what {@code exchange.cu} has in its memory. */
final class CudaExchange implements Exchange, KernelPart {
    private final CudaMeeting meeting;
    private final int self;
    private final KernelBuffer state;

    /** @param state an {@code Exchange} of the kernels, and the numbers of other devices */
    CudaExchange(CudaMeeting meeting, int self, KernelBuffer state) {
        this.meeting = meeting;
        this.self = self;
        this.state = state;
    }

    /** Whether the others take over what this device has. */
    boolean isFirst() {
        return self == 0;
    }

    /** What kernels know it by. */
    Allocation state() {
        return state.values();
    }

    /** One of this device's buffers. */
    KernelBuffer buffer(int number) {
        return meeting.buffers(self).get(number);
    }

    /** Where others read what is in one of the buffers, if not there: an address; 0 if there. */
    long published(int number) {
        return meeting.published(self, number);
    }

    @Override
    public List<Allocation> allocations() {
        return Stream.concat(
                        state.allocations().stream(),
                        meeting.buffers(self).stream().map(KernelBuffer::values))
                .toList();
    }

    /**
     * Checks that no device was waited for in vain.
     *
     * @throws DeviceException if one was
     */
    void check() {
        meeting.check();
    }

    @Override
    public void close() {
        meeting.close();
    }
}
