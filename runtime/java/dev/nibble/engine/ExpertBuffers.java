package dev.nibble.engine;

import dev.nibble.device.Buffer;
import dev.nibble.device.Device;
import dev.nibble.device.ElementType;
import dev.nibble.device.Resources;
import dev.nibble.model.ExpertConfig;
import dev.nibble.model.LayerRange;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * The buffers of layers with experts, which stand side by side in a row; n is the number of rows. Those of routed experts are as small
 * as can be where all of these are on another device, and what they give there where none is.
 */
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
    /** (n, width): what routed experts on another device add, beside shared experts. */
    final Buffer routed;
    /** (n, 1): ones. */
    final Buffer ones;

    private final Resources all = new Resources();
    private final Device device;

    /** @param layers those of the device */
    ExpertBuffers(Device device, EnginePlan plan, LayerRange layers, ExpertConfig experts) {
        this.device = device;
        int n = plan.limits().rows();
        int width = plan.config().width();
        boolean here = plan.hasExperts(layers);
        boolean receives = receives(plan, layers, experts);
        int inner = here ? experts.used() * experts.feedForward() : 0;
        routerLogits = allocate(ElementType.F32, n, experts.count());
        ids = allocate(ElementType.I32, n, experts.used());
        weights = allocate(ElementType.F32, n, experts.used());
        gate = allocate(ElementType.F32, n, inner);
        up = allocate(ElementType.F32, n, inner);
        gateQuantized = allocate(ElementType.Q8, n, inner);
        delta = allocate(ElementType.F32, n, here ? experts.used() * width : 0);
        sharedGate = allocate(ElementType.F32, n, experts.shared());
        sharedUp = allocate(ElementType.F32, n, experts.shared());
        sharedQuantized = allocate(ElementType.Q8, n, experts.shared());
        sharedDelta = allocate(ElementType.F32, n, experts.shared() == 0 ? 0 : width);
        sharedLogit = allocate(ElementType.F32, n, 1);
        routed = allocate(ElementType.F32, n, receives ? width : 0);
        ones = allocate(ElementType.F32, n, receives ? 1 : 0);
        float[] filled = new float[ones.rows()];
        Arrays.fill(filled, 1);
        device.queue().write(ones, 0, MemorySegment.ofArray(filled));
    }

    /** The memory that they take, within a few percent. */
    static long estimateBytes(EnginePlan plan, LayerRange layers, ExpertConfig experts) {
        boolean here = plan.hasExperts(layers);
        int width = plan.config().width();
        long inner = (here ? (long) experts.used() * experts.feedForward() : 0) + experts.shared();
        long floats = 2 * inner
                + (here ? (long) experts.used() * width : 0)
                + experts.count()
                + (experts.shared() == 0 ? 0 : width)
                + (receives(plan, layers, experts) ? width : 0);
        return plan.limits().rows() * (floats * Float.BYTES + inner * 5 / 4);
    }

    /** Whether shared experts are here, and beside them arrives what routed ones give elsewhere. */
    private static boolean receives(EnginePlan plan, LayerRange layers, ExpertConfig experts) {
        return experts.shared() > 0 && !plan.cpuExpertLayers(layers).isEmpty();
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
