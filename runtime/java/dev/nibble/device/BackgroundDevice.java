package dev.nibble.device;

import java.util.List;
import java.util.Optional;

/**
 * Another device, whose queue works on a thread of its own. A device that runs on the processor of this program computes while the
 * caller waits; this way another device, of other hardware, can be given work meanwhile.
 */
public final class BackgroundDevice implements Device {
    private final Device device;
    private final BackgroundQueue queue;

    /** Puts the queue of a device, which is closed with this one, onto a thread. */
    public BackgroundDevice(Device device) {
        this.device = device;
        this.queue = new BackgroundQueue(device.queue(), device.name());
    }

    @Override
    public String name() {
        return device.name();
    }

    @Override
    public String description() {
        return device.description();
    }

    @Override
    public int threads() {
        return device.threads();
    }

    @Override
    public long freeMemory() {
        return device.freeMemory();
    }

    @Override
    public long weightBytes(WeightShape shape, WeightUse use) {
        return device.weightBytes(shape, use);
    }

    @Override
    public Weight load(WeightSource source, WeightUse use) {
        return device.load(source, use);
    }

    @Override
    public Buffer allocate(ElementType type, int rows, int width) {
        return device.allocate(type, rows, width);
    }

    @Override
    public KvPages allocateKv(KvLayout layout, int pages) {
        return device.allocateKv(layout, pages);
    }

    @Override
    public Step prepare(List<Operation> operations) {
        queue.await();
        return device.prepare(operations);
    }

    @Override
    public Queue queue() {
        return queue;
    }

    @Override
    public Optional<Device> stage() {
        return device.stage();
    }

    @Override
    public void close() {
        queue.close();
        device.close();
    }
}
