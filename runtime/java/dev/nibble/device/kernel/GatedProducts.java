package dev.nibble.device.kernel;

import dev.nibble.device.Buffer;
import dev.nibble.device.Operation;
import dev.nibble.device.Operation.Product;
import dev.nibble.device.RowCount;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Neighbouring operations that a device may do with one launch: the two products of a feed-forward layer with the same input, their gate,
 * and the quantizing of what comes out.
 *
 * @param rows of the products
 * @param ids the experts of each row, or none
 * @param x the input of both products
 * @param quantized the same quantized, or none
 * @param first the product that is activated
 * @param second the product that it is multiplied by
 * @param gate what follows them
 * @param quantize what follows the gate, or none
 */
public record GatedProducts(
        RowCount rows,
        @Nullable Buffer ids,
        Buffer x,
        @Nullable Buffer quantized,
        Product first,
        Product second,
        Operation.Gate gate,
        Operation.@Nullable Quantize quantize) {

    /** What begins at a place in a list of operations; none if what stands there is something else. */
    static @Nullable GatedProducts at(List<Operation> operations, int place) {
        if (place + 1 >= operations.size() || !(operations.get(place + 1) instanceof Operation.Gate gate)) {
            return null;
        }
        Operation.Quantize quantize = LaunchPlanner.quantizes(operations, place + 2, gate.rows(), gate.out());
        GatedProducts products = of(operations.get(place), gate, quantize);
        return products != null && products.isWhole() ? products : null;
    }

    private static @Nullable GatedProducts of(
            Operation operation, Operation.Gate gate, Operation.@Nullable Quantize quantize) {
        return switch (operation) {
            case Operation.Matmul o -> of(o.rows(), null, o.x(), o.quantized(), o.products(), gate, quantize);
            case Operation.ExpertMatmul o -> of(o.rows(), o.ids(), o.x(), o.quantized(), o.products(), gate, quantize);
            default -> null;
        };
    }

    private static @Nullable GatedProducts of(
            RowCount rows,
            @Nullable Buffer ids,
            Buffer x,
            @Nullable Buffer quantized,
            List<Product> products,
            Operation.Gate gate,
            Operation.@Nullable Quantize quantize) {
        if (products.size() != 2) {
            return null;
        }
        boolean inOrder = products.getFirst().out() == gate.gate();
        Product first = products.get(inOrder ? 0 : 1);
        Product second = products.get(inOrder ? 1 : 0);
        return new GatedProducts(rows, ids, x, quantized, first, second, gate, quantize);
    }

    /** A result may take the place of its gate, which then nobody sees, but not of anything that other blocks of threads read. */
    private boolean isWhole() {
        return gate.rows().equals(rows)
                && first.out() == gate.gate()
                && second.out() == gate.up()
                && first.out() != second.out()
                && gate.out() != gate.up()
                && gate.out() != x
                && (quantize == null || quantize.out() != quantized);
    }

    /** How many operations it stands for. */
    int count() {
        return quantize == null ? 2 : 3;
    }
}
