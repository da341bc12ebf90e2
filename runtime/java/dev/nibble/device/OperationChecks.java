package dev.nibble.device;

import dev.nibble.device.Operation.Product;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What the records of {@link Operation} check when they are made, so that a wrong shape is named before anything runs. */
final class OperationChecks {
    private static final int MOST_PRODUCTS = 4;

    private OperationChecks() {}

    static void matmul(RowCount rows, Buffer x, @Nullable Buffer quantized, List<Product> products) {
        Shapes shapes = Shapes.of("matmul", rows).products(products).floats(x, x.width());
        for (Product product : products) {
            WeightShape weight = product.weight().shape();
            shapes.input(weight, x, quantized, x.width()).floats(product.out(), weight.rows());
            if (product.bias() != null && product.bias().width() != weight.rows()) {
                throw shapes.wrong("a bias of " + product.bias().width() + " values for " + weight);
            }
        }
    }

    static void expertMatmul(RowCount rows, Buffer ids, Buffer x, @Nullable Buffer quantized, List<Product> products) {
        Shapes shapes = Shapes.of("expertMatmul", rows).products(products).ints(ids, ids.width());
        for (Product product : products) {
            WeightShape weight = product.weight().shape();
            int columns = x.width() == weight.columns() ? x.width() : x.width() / ids.width();
            shapes.input(weight, x, quantized, columns).floats(product.out(), ids.width() * weight.rows());
            if (product.bias() != null) {
                throw shapes.wrong("a bias for the experts " + weight);
            }
        }
    }

    /** Checks one operation's buffers, one after another. */
    record Shapes(String operation, RowCount rows) {
        static Shapes of(String operation, RowCount rows) {
            return new Shapes(operation, rows);
        }

        Shapes floats(Buffer buffer, int width) {
            return check(buffer, ElementType.F32, width);
        }

        Shapes ints(Buffer buffer, int width) {
            return check(buffer, ElementType.I32, width);
        }

        Shapes quantized(Buffer buffer, int width) {
            if (width % 32 != 0) {
                throw wrong("rows of " + width + " values, no multiple of the blocks of 32");
            }
            return check(buffer, ElementType.Q8, width);
        }

        Shapes groups(Buffer buffer, int width) {
            if (width < 1 || buffer.width() % width != 0) {
                throw wrong("rows of " + buffer.width() + " values in groups of " + width);
            }
            return this;
        }

        Shapes products(List<Product> products) {
            if (products.isEmpty() || products.size() > MOST_PRODUCTS) {
                throw wrong(products.size() + " weights; a group has 1 to " + MOST_PRODUCTS);
            }
            return this;
        }

        Shapes input(WeightShape weight, Buffer x, @Nullable Buffer quantized, int columns) {
            if (weight.columns() != columns) {
                throw wrong("an input of " + columns + " values for " + weight);
            }
            if (weight.takesFloats()) {
                return this;
            }
            if (quantized == null) {
                throw wrong("no quantized input for " + weight);
            }
            return quantized(quantized, x.width());
        }

        IllegalArgumentException wrong(String what) {
            return new IllegalArgumentException(operation + ": " + what);
        }

        private Shapes check(Buffer buffer, ElementType type, int width) {
            if (buffer.type() != type || buffer.width() != width || buffer.rows() < rows.limit()) {
                throw wrong("wants a buffer of " + type + " (" + rows.limit() + ", " + width + "), not " + buffer.type()
                        + " (" + buffer.rows() + ", " + buffer.width() + ")");
            }
            return this;
        }
    }
}
