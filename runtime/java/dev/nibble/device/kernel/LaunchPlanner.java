package dev.nibble.device.kernel;

import dev.nibble.device.AttentionOperation;
import dev.nibble.device.Buffer;
import dev.nibble.device.Operation;
import dev.nibble.device.RowCount;
import dev.nibble.device.SumNorm;
import java.util.List;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Turns a list of operations into launches of kernels, a family of operations in a class of its own. Neighbours that one launch can do
 * become one.
 */
public final class LaunchPlanner {
    private final SharedKernels kernels;
    private final RowLaunches rows;
    private final HeadLaunches heads;
    private final FeedForwardLaunches feedForward;
    private final KvLaunches cache;
    private final Products products;
    private final Attention attention;
    private final Predicate<GatedProducts> gated;

    /** Plans the launches of operations with weights, which each kind of device keeps in a layout of its own. */
    public interface Products {
        /** Plans a look-up of embeddings. */
        void embed(Operation.Embed embed);

        /** Plans products of matrices. */
        void matmul(Operation.Matmul matmul);

        /** Plans products with matrices of experts. */
        void expertMatmul(Operation.ExpertMatmul matmul);
    }

    /** Plans the launches of attention. */
    public interface Attention {
        /**
         * Plans attention over whole keys.
         *
         * @param quantized what its result is quantized to next, or none
         * @return whether the launches quantize as well
         */
        boolean attention(AttentionOperation.Attention attention, Operation.@Nullable Quantize quantized);

        /** Plans attention over latent vectors, as {@link #attention}. */
        boolean latentAttention(AttentionOperation.LatentAttention attention, Operation.@Nullable Quantize quantized);

        /** Plans attention over a tile of whole keys. */
        void tileAttention(AttentionOperation.TileAttention attention);
    }

    /**
     * Plans for one step of a device.
     *
     * @param kernels those that all devices have
     * @param products plans operations with weights
     * @param attention plans attention
     * @param gated plans products and what follows them as one launch, if the device has a kernel for that
     */
    public LaunchPlanner(
            SharedKernels kernels, Products products, Attention attention, Predicate<GatedProducts> gated) {
        this.kernels = kernels;
        this.rows = new RowLaunches(kernels);
        this.heads = new HeadLaunches(kernels);
        this.feedForward = new FeedForwardLaunches(kernels);
        this.cache = new KvLaunches(kernels);
        this.products = products;
        this.attention = attention;
        this.gated = gated;
    }

    /** Plans the launches of operations, in their order. */
    public void plan(List<Operation> operations) {
        for (int i = 0; i < operations.size(); ) {
            i += plan(operations, i);
        }
    }

    /** Plans what begins at a place; returns how many operations that is. */
    private int plan(List<Operation> operations, int place) {
        TurnedHeads turned = TurnedHeads.at(operations, place);
        if (turned != null) {
            cache.turnAndWrite(turned);
            return turned.count();
        }
        GatedProducts products = GatedProducts.at(operations, place);
        if (products != null && gated.test(products)) {
            return products.count();
        }
        if (operations.get(place) instanceof Operation.ArgMax argMax) {
            Operation.Advance advance = advanceAfter(operations, place, argMax);
            rows.argMax(argMax, advance);
            return advance == null ? 1 : 2;
        }
        Operation.Quantize quantized = quantizedAfter(operations, place);
        boolean both = plan(operations.get(place), quantized) && quantized != null;
        return both ? 2 : 1;
    }

    /** The next operation, if it has the same rows go on with what is found, or with what is no matter of this device; none otherwise. */
    private static Operation.@Nullable Advance advanceAfter(
            List<Operation> operations, int place, Operation.ArgMax argMax) {
        return place + 1 < operations.size()
                        && operations.get(place + 1) instanceof Operation.Advance advance
                        && advance.rows().equals(argMax.rows())
                        && (advance.chosen() == null || advance.chosen() == argMax.ids())
                ? advance
                : null;
    }

    /** The next operation, if it quantizes whole rows that this one computes; none otherwise. */
    private static Operation.@Nullable Quantize quantizedAfter(List<Operation> operations, int place) {
        @Nullable
        Buffer computed = switch (operations.get(place)) {
            case Operation.Norm norm -> norm.weight().width() == norm.out().width() ? norm.out() : null;
            case Operation.AddNorm norm -> norm.out();
            case SumNorm norm -> norm.out();
            case Operation.Gate gate -> gate.out();
            case AttentionOperation.Attention attention -> attention.out();
            case AttentionOperation.LatentAttention attention -> attention.out();
            default -> null;
        };
        return quantizes(operations, place + 1, operations.get(place).rows(), computed);
    }

    /** What stands at a place, if it quantizes these rows of a buffer; none otherwise. */
    static Operation.@Nullable Quantize quantizes(
            List<Operation> operations, int place, RowCount rows, @Nullable Buffer computed) {
        return place < operations.size()
                        && operations.get(place) instanceof Operation.Quantize quantize
                        && quantize.rows().equals(rows)
                        && quantize.x() == computed
                ? quantize
                : null;
    }

    /**
     * Plans an operation.
     *
     * @param quantized what quantizes its result next, or none
     * @return whether that is done too
     */
    private boolean plan(Operation operation, Operation.@Nullable Quantize quantized) {
        switch (operation) {
            case AttentionOperation.Attention o -> {
                return attention.attention(o, quantized);
            }
            case AttentionOperation.LatentAttention o -> {
                return attention.latentAttention(o, quantized);
            }
            case Operation.Norm norm -> rows.norm(norm, quantized);
            case Operation.AddNorm norm -> rows.addNorm(norm, quantized);
            case SumNorm norm -> kernels.sumNorm(norm, quantized);
            case Operation.Quantize quantize -> rows.quantize(quantize);
            case Operation.Gather gather -> rows.gather(gather);
            case Operation.ArgMax argMax -> rows.argMax(argMax, null);
            case Operation.TopK topK -> rows.topK(topK);
            case Operation.Advance advance -> rows.advance(advance);
            case Operation.Embed embed -> products.embed(embed);
            case Operation.Matmul matmul -> products.matmul(matmul);
            case Operation.ExpertMatmul matmul -> products.expertMatmul(matmul);
            case AttentionOperation.WriteKv o -> cache.writeKv(o);
            case Operation.Rope o -> heads.rope(o);
            case Operation.Hadamard o -> heads.hadamard(o);
            case Operation.JoinHeads o -> heads.join(o);
            case AttentionOperation.ReadLatent o -> cache.readLatent(o);
            case AttentionOperation.TileAttention o -> attention.tileAttention(o);
            case Operation.Gate o -> feedForward.gate(o, quantized);
            case Operation.Route o -> feedForward.route(o);
            case Operation.Combine o -> feedForward.combine(o);
        }
        return true;
    }
}
