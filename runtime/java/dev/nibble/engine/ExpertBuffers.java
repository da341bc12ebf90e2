package dev.nibble.engine;

import dev.nibble.device.Buffer;
import dev.nibble.device.Device;
import dev.nibble.device.ElementType;
import dev.nibble.device.Resources;
import dev.nibble.model.ExpertConfig;
import dev.nibble.model.ModelConfig;

/** The buffers of layers with experts, which stand side by side in a row; n is the number of rows. */
final class ExpertBuffers implements AutoCloseable {
    /** (n, experts). */
    final Buffer routerLogits;
    /** I32 (n, experts used). */
    final Buffer ids;
    /** (n, experts used). */
    final Buffer weights;
    /** (n, experts used × feedForward). */
    final Buffer gate;
    /** (n, experts used × feedForward). */
    final Buffer up;
    /** Q8 (n, experts used × feedForward). */
    final Buffer gateQuantized;
    /** (n, experts used × width). */
    final Buffer delta;
    /** (n, shared), of the experts that every token uses. */
    final Buffer sharedGate;
    /** (n, shared). */
    final Buffer sharedUp;
    /** Q8 (n, shared). */
    final Buffer sharedQuantized;
    /** (n, width). */
    final Buffer sharedDelta;
    /** (n, 1): how much of it is taken. */
    final Buffer sharedLogit;

    private final Resources all = new Resources();
    private final Device device;

    ExpertBuffers(Device device, ModelConfig config, ExpertConfig experts, int n) {
        this.device = device;
        int inner = experts.used() * experts.feedForward();
        routerLogits = allocate(ElementType.F32, n, experts.count());
        ids = allocate(ElementType.I32, n, experts.used());
        weights = allocate(ElementType.F32, n, experts.used());
        gate = allocate(ElementType.F32, n, inner);
        up = allocate(ElementType.F32, n, inner);
        gateQuantized = allocate(ElementType.Q8, n, inner);
        delta = allocate(ElementType.F32, n, experts.used() * config.width());
        sharedGate = allocate(ElementType.F32, n, experts.shared());
        sharedUp = allocate(ElementType.F32, n, experts.shared());
        sharedQuantized = allocate(ElementType.Q8, n, experts.shared());
        sharedDelta = allocate(ElementType.F32, n, experts.shared() == 0 ? 0 : config.width());
        sharedLogit = allocate(ElementType.F32, n, 1);
    }

    /** The memory that they take, within a few percent. */
    static long estimateBytes(ModelConfig config, ExpertConfig experts, int n) {
        long inner = (long) experts.used() * experts.feedForward() + experts.shared();
        long floats = 2 * inner
                + (long) experts.used() * config.width()
                + experts.count()
                + (experts.shared() == 0 ? 0 : config.width());
        return n * (floats * Float.BYTES + inner * 5 / 4);
    }

    @Override
    public void close() {
        all.close();
    }

    private Buffer allocate(ElementType type, int rows, int width) {
        try {
            return all.own(StepBuffers.allocate(device, type, rows, width));
        } catch (RuntimeException | Error e) {
            all.closeAfter(e);
            throw e;
        }
    }
}
