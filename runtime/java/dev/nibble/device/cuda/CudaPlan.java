package dev.nibble.device.cuda;

import dev.nibble.device.KvLayout;
import dev.nibble.device.Operation;
import dev.nibble.device.SumNorm;
import dev.nibble.device.kernel.LaunchPlanner;
import dev.nibble.device.kernel.RowShape;
import dev.nibble.device.kernel.SharedKernels;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A step while it is planned. */
final class CudaPlan implements SharedKernels {
    /** Threads of {@code rows.cu}, of which each takes four neighbouring values at once. */
    private static final RowShape ROWS = new RowShape(256, 4);

    /** Threads of {@code kv.cu}. */
    private static final int WRITERS = 128;

    private final CudaDevice device;
    private final List<KernelLaunch> launches = new ArrayList<>();

    CudaPlan(CudaDevice device) {
        this.device = device;
    }

    CudaDevice device() {
        return device;
    }

    /** Plans a step. */
    void plan(List<Operation> operations) {
        AttentionLaunches attention = new AttentionLaunches(this);
        GatedLaunches gated = new GatedLaunches(this);
        ProductLaunches products = new ProductLaunches(this, device.productChoice());
        new LaunchPlanner(this, products, attention, gated::gated).plan(operations);
    }

    @Override
    public RowShape shape() {
        return ROWS;
    }

    @Override
    public int writers() {
        return WRITERS;
    }

    @Override
    public void sumNorm(SumNorm sum, Operation.@Nullable Quantize quantized) {
        new ExchangeLaunches(this).sumNorm(sum, quantized);
    }

    @Override
    public CudaLaunchBuilder rows(String name) {
        return kernel("rows", name);
    }

    @Override
    public CudaLaunchBuilder kv(String name, KvLayout layout) {
        String types = AttentionShape.types(layout);
        return kernel("kv_" + types, name + "_" + types);
    }

    @Override
    public CudaLaunchBuilder expand(String name, @Nullable KvLayout layout) {
        return kernel(
                "expand",
                layout == null ? name : name + "_" + layout.valueType().id());
    }

    /**
     * A kernel whose arguments are to be collected.
     *
     * @param module the file that holds it, without its suffix
     * @param name its entry
     */
    CudaLaunchBuilder kernel(String module, String name) {
        CudaPrograms programs = device.programs();
        return new CudaLaunchBuilder(programs, name, programs.kernel(module, name), launches::add);
    }

    List<KernelLaunch> launches() {
        return launches;
    }
}
