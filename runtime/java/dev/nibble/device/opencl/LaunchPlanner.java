package dev.nibble.device.opencl;

import dev.nibble.device.Buffer;
import dev.nibble.device.Operation;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Turns a list of operations into launches of kernels, a family of operations in a class of its own. */
final class LaunchPlanner {
    private final OpenClDevice device;
    private final List<Launch> launches = new ArrayList<>();
    private final List<Long> kernels = new ArrayList<>();
    private final RowLaunches rows;
    private final ProductLaunches products;
    private final HeadLaunches heads;
    private final AttentionLaunches attention;
    private final FeedForwardLaunches feedForward;

    LaunchPlanner(OpenClDevice device) {
        this.device = device;
        this.rows = new RowLaunches(this);
        this.products = new ProductLaunches(this);
        this.heads = new HeadLaunches(this);
        this.attention = new AttentionLaunches(this);
        this.feedForward = new FeedForwardLaunches(this);
    }

    OpenClDevice device() {
        return device;
    }

    /** Plans a step, which is to own the kernels. */
    void plan(List<Operation> operations) {
        try {
            for (int i = 0; i < operations.size(); ) {
                i += plan(operations, i);
            }
        } catch (RuntimeException e) {
            kernels.forEach(device.calls()::releaseKernel);
            throw e;
        }
    }

    /** Plans what begins at a place; returns how many operations that is. */
    private int plan(List<Operation> operations, int place) {
        TurnedHeads turned = TurnedHeads.at(operations, place);
        if (turned != null) {
            attention.turnAndWrite(turned);
            return turned.count();
        }
        Operation.Quantize quantized = quantizedAfter(operations, place);
        plan(operations.get(place), quantized);
        return quantized == null ? 1 : 2;
    }

    /** The next operation, if it quantizes whole rows that this one computes; none otherwise. */
    private static Operation.@Nullable Quantize quantizedAfter(List<Operation> operations, int place) {
        if (place + 1 == operations.size() || !(operations.get(place + 1) instanceof Operation.Quantize quantize)) {
            return null;
        }
        @Nullable
        Buffer computed = switch (operations.get(place)) {
            case Operation.Norm norm -> norm.weight().width() == norm.out().width() ? norm.out() : null;
            case Operation.AddNorm norm -> norm.out();
            case Operation.Gate gate -> gate.out();
            default -> null;
        };
        boolean same = quantize.rows().equals(operations.get(place).rows());
        return same && quantize.x() == computed ? quantize : null;
    }

    /** @param quantized what a norm or a gate quantizes its result to as well, or none */
    private void plan(Operation operation, Operation.@Nullable Quantize quantized) {
        switch (operation) {
            case Operation.Norm norm -> rows.norm(norm, quantized);
            case Operation.AddNorm norm -> rows.addNorm(norm, quantized);
            case Operation.Quantize quantize -> rows.quantize(quantize);
            case Operation.Gather gather -> rows.gather(gather);
            case Operation.ArgMax argMax -> rows.argMax(argMax);
            case Operation.Embed embed -> products.embed(embed);
            case Operation.Matmul matmul -> products.matmul(matmul);
            case Operation.ExpertMatmul matmul -> products.expertMatmul(matmul);
            case Operation.Attention o -> attention.attention(o);
            case Operation.WriteKv o -> attention.writeKv(o);
            case Operation.Rope o -> heads.rope(o);
            case Operation.Hadamard o -> heads.hadamard(o);
            case Operation.Gate o -> feedForward.gate(o, quantized);
            case Operation.Route o -> feedForward.route(o);
            case Operation.Combine o -> feedForward.combine(o);
        }
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

    /** The kernels of the launches. */
    List<Long> kernels() {
        return kernels;
    }

    List<Launch> launches() {
        return launches;
    }
}
