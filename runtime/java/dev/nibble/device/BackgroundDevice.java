package dev.nibble.device;

import java.util.List;

/**
 * Another device, whose queue works on a thread of its own. A device that runs on the processor of this program computes while the
 * caller waits; this way another device, of other hardware, can be given work meanwhile.
 */
public final class BackgroundDevice extends DelegatingDevice {
    private final BackgroundQueue queue;

    /** Puts the queue of a device, which is closed with this one, onto a thread. */
    public BackgroundDevice(Device device) {
        super(device);
        this.queue = new BackgroundQueue(device.queue(), device.name());
    }

    @Override
    public Step prepare(List<Operation> operations) {
        queue.await();
        return super.prepare(operations);
    }

    @Override
    public Queue queue() {
        return queue;
    }

    @Override
    public void close() {
        queue.close();
        super.close();
    }
}
