package dev.nibble.device.reference;

import dev.nibble.device.Operation;
import dev.nibble.device.Step;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The operations, one after another. Checks that all they use belongs to the device. */
record ReferenceStep(ReferenceDevice device, List<Operation> operations) implements Step {
    ReferenceStep {
        operations = List.copyOf(operations);
        for (Operation operation : operations) {
            device.own(operation.rows().live());
            parts(operation).forEach(device::own);
        }
    }

    /** The buffers, weights and caches of an operation. */
    private static List<AutoCloseable> parts(Operation operation) {
        return switch (operation) {
            case Operation.Embed o -> List.of(o.ids(), o.table(), o.out());
            case Operation.Gather o -> List.of(o.source(), o.indices(), o.out());
            case Operation.Norm o -> present(o.x(), o.weight(), o.bias(), o.out());
            case Operation.AddNorm o -> present(o.delta(), o.residual(), o.weight(), o.bias(), o.out());
            case Operation.Quantize o -> List.of(o.x(), o.out());
            case Operation.Matmul o -> products(o.products(), o.x(), o.quantized());
            case Operation.Rope o -> List.of(o.positions(), o.x(), o.frequencies());
            case Operation.WriteKv o -> List.of(o.positions(), o.slots(), o.pageTable(), o.k(), o.v(), o.cache());
            case Operation.Attention o ->
                present(o.positions(), o.slots(), o.pageTable(), o.q(), o.cache(), o.sinks(), o.out());
            case Operation.Gate o -> List.of(o.gate(), o.up(), o.out());
            case Operation.Route o -> List.of(o.logits(), o.ids(), o.weights());
            case Operation.ExpertMatmul o -> products(o.products(), o.ids(), o.x(), o.quantized());
            case Operation.Combine o -> List.of(o.x(), o.weights(), o.out());
            case Operation.ArgMax o -> List.of(o.x(), o.ids());
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
