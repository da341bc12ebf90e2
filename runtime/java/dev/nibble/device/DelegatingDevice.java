package dev.nibble.device;

import java.util.List;
import java.util.Optional;

/** A device that hands everything on to another one, which is closed with it; what is to be different is overridden. */
abstract class DelegatingDevice implements Device {
    private final Device device;

    DelegatingDevice(Device device) {
        this.device = device;
    }

    /** The other device. */
    final Device device() {
        return device;
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
    public String hardware() {
        return device.hardware();
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
    public long stagingBytes(WeightShape shape) {
        return device.stagingBytes(shape);
    }

    @Override
    public boolean hasOneLayout() {
        return device.hasOneLayout();
    }

    @Override
    public Weight load(WeightSource source, WeightUse use) {
        return device.load(source, use);
    }

    @Override
    public long workspaceBytes(StepForm form) {
        return device.workspaceBytes(form);
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
        return device.prepare(operations);
    }

    @Override
    public Queue queue() {
        return device.queue();
    }

    @Override
    public Optional<Device> stage() {
        return device.stage();
    }

    @Override
    public void warmUp() {
        device.warmUp();
    }

    @Override
    public Optional<Roofline> openRoofline() {
        return device.openRoofline();
    }

    @Override
    public void close() {
        device.close();
    }
}
