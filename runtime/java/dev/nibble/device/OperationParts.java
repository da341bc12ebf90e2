package dev.nibble.device;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The buffers, weights and caches of each kind of operation. */
final class OperationParts {
    private OperationParts() {}

    static List<AutoCloseable> of(Operation operation) {
        List<AutoCloseable> parts = new ArrayList<>();
        parts.add(operation.rows().live());
        parts.addAll(named(operation));
        return parts;
    }

    private static List<AutoCloseable> named(Operation operation) {
        return switch (operation) {
            case Operation.Embed o -> List.of(o.ids(), o.table(), o.out());
            case Operation.Gather o -> List.of(o.source(), o.indices(), o.out());
            case Operation.Norm o -> present(o.x(), o.weight(), o.bias(), o.out());
            case Operation.AddNorm o -> present(o.delta(), o.residual(), o.weight(), o.bias(), o.out());
            case SumNorm o -> present(o.exchange(), o.residual(), o.weight(), o.bias(), o.out());
            case Operation.Quantize o -> List.of(o.x(), o.out());
            case Operation.Matmul o -> products(o.products(), o.x(), o.quantized());
            case Operation.Rope o -> List.of(o.positions(), o.x(), o.frequencies());
            case Operation.Hadamard o -> List.of(o.x());
            case AttentionOperation.WriteKv o ->
                List.of(o.positions(), o.slots(), o.pageTable(), o.k(), o.v(), o.cache());
            case AttentionOperation.Attention o ->
                present(o.positions(), o.slots(), o.pageTable(), o.q(), o.cache(), o.sinks(), o.out());
            case AttentionOperation.LatentAttention o ->
                List.of(o.positions(), o.slots(), o.pageTable(), o.q(), o.turned(), o.cache(), o.out());
            case AttentionOperation.ReadLatent o -> List.of(o.from(), o.pageTable(), o.cache(), o.turned(), o.latent());
            case AttentionOperation.TileAttention o ->
                List.of(o.seen(), o.slots(), o.pageTable(), o.q(), o.tile(), o.sums(), o.out());
            case Operation.JoinHeads o -> List.of(o.first(), o.second(), o.out());
            case Operation.Gate o -> List.of(o.gate(), o.up(), o.out());
            case Operation.Route o -> present(o.logits(), o.bias(), o.ids(), o.weights());
            case Operation.ExpertMatmul o -> products(o.products(), o.ids(), o.x(), o.quantized());
            case Operation.Combine o -> present(o.x(), o.weights(), o.shared(), o.gate(), o.out());
            case Operation.ArgMax o -> List.of(o.x(), o.ids());
            case Operation.TopK o -> List.of(o.x(), o.ids(), o.values());
            case Operation.Advance o -> present(o.positions(), o.chosen(), o.ids());
        };
    }

    private static List<AutoCloseable> products(List<Operation.Product> products, @Nullable AutoCloseable... others) {
        List<AutoCloseable> parts = new ArrayList<>(present(others));
        for (Operation.Product product : products) {
            parts.addAll(present(product.weight(), product.bias(), product.out()));
        }
        return parts;
    }

    private static List<AutoCloseable> present(@Nullable AutoCloseable... parts) {
        List<AutoCloseable> present = new ArrayList<>();
        for (AutoCloseable part : parts) {
            if (part != null) {
                present.add(part);
            }
        }
        return present;
    }
}
