package dev.nibble.device.opencl;

import dev.nibble.device.KvLayout;
import dev.nibble.device.Operation;
import dev.nibble.device.kernel.KernelBuffer;
import dev.nibble.device.kernel.LaunchPlanner;
import dev.nibble.device.kernel.RowShape;
import dev.nibble.device.kernel.SharedKernels;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A step while it is planned: its launches, and the kernels that it is to own. */
final class OpenClPlan implements SharedKernels {
    private static final int CPU_VECTOR = 16;
    private static final int LANES = 256;
    private static final int FEWEST_LANES = 32;

    /** Work-items of a GPU that share a head when it is written. */
    private static final int WRITERS = 64;

    private final OpenClDevice device;
    private final RowShape shape;
    private final List<Launch> launches = new ArrayList<>();
    private final List<Long> kernels = new ArrayList<>();

    OpenClPlan(OpenClDevice device) {
        this.device = device;
        this.shape = shape(device.traits());
    }

    /** On a CPU, barriers between work-items would cost more than they give. */
    private static RowShape shape(DeviceTraits device) {
        if (device.isCpu() || device.mostWorkItems() < FEWEST_LANES) {
            return new RowShape(1, CPU_VECTOR);
        }
        return new RowShape(Math.min(LANES, Integer.highestOneBit(device.mostWorkItems())), 1);
    }

    OpenClDevice device() {
        return device;
    }

    /** Plans a step, which is to own the kernels. */
    void plan(List<Operation> operations) {
        AttentionLaunches attention = new AttentionLaunches(this);
        try {
            new LaunchPlanner(this, new ProductLaunches(this), attention, products -> false).plan(operations);
        } catch (RuntimeException e) {
            kernels.forEach(device.calls()::releaseKernel);
            throw e;
        }
    }

    @Override
    public RowShape shape() {
        return shape;
    }

    @Override
    public int writers() {
        return Math.min(WRITERS, shape.lanes());
    }

    @Override
    public OpenClLaunchBuilder rows(String name) {
        return kernel("rows", options(shape.lanes()), name);
    }

    @Override
    public OpenClLaunchBuilder kv(String name, KvLayout layout) {
        boolean blocks = layout.keyType().isQuantized() || layout.valueType().isQuantized();
        int unit = blocks || writers() == 1 ? KernelBuffer.BLOCK : 1;
        return kernel("kv", OpenClKvPages.options(layout) + " -DUNIT=" + unit + " " + options(writers()), name);
    }

    @Override
    public OpenClLaunchBuilder expand(String name, @Nullable KvLayout layout) {
        String cache = layout == null ? "" : OpenClKvPages.options(layout) + " ";
        return kernel("expand", cache + "-DLANES=" + writers(), name);
    }

    private String options(int lanes) {
        return "-DLANES=" + lanes + " -DVECTOR=" + shape.vector();
    }

    /**
     * A kernel whose arguments are to be set.
     *
     * @param family the file that holds it, without its suffix
     * @param options of the build: what the kernel is specialised for
     */
    OpenClLaunchBuilder kernel(String family, String options, String name) {
        long kernel = device.programs().kernel(family, options, name);
        kernels.add(kernel);
        return new OpenClLaunchBuilder(device.calls(), name, kernel, launches::add);
    }

    /** The kernels of the launches. */
    List<Long> kernels() {
        return kernels;
    }

    List<Launch> launches() {
        return launches;
    }
}
