package dev.nibble.device.opencl;

import dev.nibble.UnsupportedFeatureException;
import dev.nibble.device.Operation;
import java.util.ArrayList;
import java.util.List;

/** Turns a list of operations into launches of kernels, a family of operations in a class of its own. */
final class LaunchPlanner {
    private final OpenClDevice device;
    private final List<Launch> launches = new ArrayList<>();
    private final List<Long> kernels = new ArrayList<>();
    private final RowLaunches rows;
    private final ProductLaunches products;

    LaunchPlanner(OpenClDevice device) {
        this.device = device;
        this.rows = new RowLaunches(this);
        this.products = new ProductLaunches(this);
    }

    OpenClDevice device() {
        return device;
    }

    /** Plans a step; the caller releases the kernels that are returned. */
    List<Long> plan(List<Operation> operations) {
        try {
            operations.forEach(this::plan);
            return kernels;
        } catch (RuntimeException e) {
            kernels.forEach(device.calls()::releaseKernel);
            throw e;
        }
    }

    private void plan(Operation operation) {
        switch (operation) {
            case Operation.Norm norm -> rows.norm(norm);
            case Operation.AddNorm norm -> rows.addNorm(norm);
            case Operation.Quantize quantize -> rows.quantize(quantize);
            case Operation.Gather gather -> rows.gather(gather);
            case Operation.ArgMax argMax -> rows.argMax(argMax);
            case Operation.Embed embed -> products.embed(embed);
            case Operation.Matmul matmul -> products.matmul(matmul);
            case Operation.ExpertMatmul matmul -> products.expertMatmul(matmul);
            case Operation.Attention o -> throw unsupported(o);
            case Operation.WriteKv o -> throw unsupported(o);
            case Operation.Rope o -> throw unsupported(o);
            case Operation.Hadamard o -> throw unsupported(o);
            case Operation.Gate o -> throw unsupported(o);
            case Operation.Route o -> throw unsupported(o);
            case Operation.Combine o -> throw unsupported(o);
        }
    }

    private UnsupportedFeatureException unsupported(Operation operation) {
        return new UnsupportedFeatureException("device " + device.name() + " cannot do "
                + operation.getClass().getSimpleName() + "; use the device cpu");
    }

    /**
     * A kernel whose arguments are to be set.
     *
     * @param family the file that holds it, without its suffix
     * @param options of the build: what the kernel is specialised for
     */
    LaunchBuilder kernel(String family, String options, String name) {
        long kernel = device.programs().kernel(family, options, name);
        kernels.add(kernel);
        return new LaunchBuilder(device.calls(), name, kernel);
    }

    /** Adds a launch behind those that there are. */
    void add(Launch launch) {
        launches.add(launch);
    }

    List<Launch> launches() {
        return launches;
    }
}
