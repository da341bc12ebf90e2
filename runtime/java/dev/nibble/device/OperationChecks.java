package dev.nibble.device;

import dev.nibble.device.Operation.Product;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What the records of {@link Operation} check when they are made, so that a wrong shape is named before anything runs. */
final class OperationChecks {
    private static final int MOST_PRODUCTS = 4;

    private OperationChecks() {}

    static void matmul(RowCount rows, Buffer x, @Nullable Buffer quantized, List<Product> products) {
        Shapes shapes = Shapes.of("matmul", rows).products(products, x).floats(x, x.width());
        for (Product product : products) {
            WeightShape weight = product.weight().shape();
            if (weight.matrices() != 1) {
                throw shapes.wrong("the " + weight.matrices() + " matrices of " + weight + ": use expertMatmul");
            }
            shapes.input(weight, quantized, x.width(), x.width())
                    .floats(product.out(), weight.rows())
                    .values(product.bias(), weight.rows());
        }
    }

    static void expertMatmul(RowCount rows, Buffer ids, Buffer x, @Nullable Buffer quantized, List<Product> products) {
        Shapes shapes = Shapes.of("expertMatmul", rows)
                .products(products, x)
                .ints(ids, ids.width())
                .floats(x, x.width());
        for (Product product : products) {
            WeightShape weight = product.weight().shape();
            int parts = x.width() == weight.columns() ? 1 : ids.width();
            shapes.groups(x, x.width() / parts)
                    .input(weight, quantized, x.width() / parts, x.width())
                    .floats(product.out(), ids.width() * weight.rows());
            if (product.bias() != null) {
                throw shapes.wrong("a bias for the experts " + weight);
            }
        }
    }

    static void rope(RowCount rows, Buffer positions, Buffer x, int headSize, Buffer frequencies) {
        Shapes shapes = Shapes.of("rope", rows)
                .ints(positions, 1)
                .floats(x, x.width())
                .groups(x, headSize)
                .values(frequencies, frequencies.width());
        if (2 * frequencies.width() > headSize) {
            throw shapes.wrong(frequencies.width() + " pairs of values in heads of " + headSize);
        }
    }

    static void hadamard(RowCount rows, Buffer x, int size) {
        Shapes shapes = Shapes.of("hadamard", rows).floats(x, x.width());
        if (Integer.bitCount(size) != 1) {
            throw shapes.wrong("groups of " + size + " values, no power of two");
        }
        shapes.groups(x, size);
    }

    static void latent(AttentionForm form, KvLayout layout) {
        if (!layout.latent() || form.window() != 0 || form.softcap() != 0) {
            throw new IllegalArgumentException("latentAttention: " + form + " over " + layout
                    + "; it takes latent layouts, and has neither window nor soft cap");
        }
    }

    static void readLatent(KvLayout layout) {
        if (!layout.latent()) {
            throw new IllegalArgumentException("readLatent: over " + layout + "; it takes latent layouts");
        }
    }

    static void tile(AttentionForm form, KvLayout layout) {
        heads(form, layout);
        if (form.window() != 0 || form.softcap() != 0) {
            throw new IllegalArgumentException("tileAttention: " + form + "; tiles have neither window nor soft cap");
        }
    }

    static void joinHeads(RowCount rows, Buffer first, Buffer second, int heads, Buffer out) {
        Shapes shapes =
                Shapes.of("joinHeads", rows).floats(first, first.width()).groups(first, first.width() / heads);
        int size = out.width() / heads - first.width() / heads;
        if (first.width() % heads != 0 || size < 1 || second.width() != size && second.width() != heads * size) {
            throw shapes.wrong("rows of " + first.width() + " and " + second.width() + " values of " + heads
                    + " heads as rows of " + out.width());
        }
        shapes.floats(second, second.width())
                .floats(out, first.width() + heads * size)
                .apart(out, first)
                .apart(out, second);
    }

    static void heads(AttentionForm form, KvLayout layout) {
        if (layout.latent()) {
            throw new IllegalArgumentException("attention: over " + layout + ": use latentAttention");
        }
        if (form.heads() % layout.heads() != 0) {
            throw new IllegalArgumentException(
                    "attention: " + form.heads() + " query heads cannot share " + layout.heads() + " key heads evenly");
        }
    }

    static void topK(RowCount rows, Buffer x, Buffer ids, Buffer values) {
        int k = ids.width();
        Shapes shapes =
                Shapes.of("topK", rows).floats(x, x.width()).ints(ids, k).floats(values, k);
        int most = Math.min(x.width(), Operation.TopK.MOST);
        if (k < 1 || k > most) {
            throw shapes.wrong(k + " of " + x.width() + " values; 1 to " + most + " can be had");
        }
        shapes.apart(values, x);
    }

    static void advance(RowCount rows, Buffer positions, @Nullable Buffer chosen, @Nullable Buffer ids) {
        Shapes shapes = Shapes.of("advance", rows).ints(positions, 1);
        if ((chosen == null) != (ids == null)) {
            throw shapes.wrong("tokens chosen and ids that they become: both or none");
        }
        if (chosen != null && ids != null) {
            shapes.ints(chosen, 1)
                    .ints(ids, 1)
                    .apart(ids, chosen)
                    .apart(positions, chosen)
                    .apart(positions, ids);
        }
    }

    static void experts(Gating gating, Buffer logits) {
        if (gating.used() < 1 || gating.used() > logits.width()) {
            throw new IllegalArgumentException("route: " + gating.used() + " of " + logits.width() + " experts");
        }
        int ofGroup = logits.width() / gating.groups();
        if (ofGroup * gating.groups() != logits.width()
                || gating.groupBest() > ofGroup
                || gating.used() > gating.groupsUsed() * ofGroup) {
            throw new IllegalArgumentException("route: " + gating + " of " + logits.width() + " experts");
        }
    }

    static void combine(
            RowCount rows, Buffer x, Buffer weights, @Nullable Buffer shared, @Nullable Buffer gate, Buffer out) {
        Shapes shapes = Shapes.of("combine", rows)
                .floats(x, weights.width() * out.width())
                .floats(weights, weights.width())
                .floats(out, out.width())
                .apart(out, x);
        if (shared != null) {
            shapes.floats(shared, out.width()).apart(out, shared);
        }
        if (gate != null) {
            shapes.floats(gate, 1);
            if (shared == null) {
                throw shapes.wrong("a gate of a share that is not there");
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

        /** Checks a buffer of constants, (1, width), which may be left out. */
        Shapes values(@Nullable Buffer buffer, int width) {
            if (buffer != null && (buffer.type() != ElementType.F32 || buffer.rows() != 1 || buffer.width() != width)) {
                throw wrong("wants a buffer of F32 (1, " + width + "), not " + text(buffer));
            }
            return this;
        }

        /** Checks a buffer of one row of integers. */
        Shapes single(Buffer buffer, int width) {
            if (buffer.type() != ElementType.I32 || buffer.rows() != 1 || buffer.width() != width) {
                throw wrong("wants a buffer of I32 (1, " + width + "), not " + text(buffer));
            }
            return this;
        }

        /** Checks the type of a buffer whose rows are not those of the operation. */
        Shapes table(Buffer buffer, ElementType type) {
            if (buffer.type() != type) {
                throw wrong("wants a buffer of " + type + ", not " + text(buffer));
            }
            return this;
        }

        /** Checks that an output is no input: devices work on rows, and parts of rows, in any order. */
        Shapes apart(Buffer out, Buffer input) {
            if (out == input) {
                throw wrong("cannot work in place, in a buffer of " + text(out));
            }
            return this;
        }

        Shapes weight(Weight weight, WeightUse use) {
            if (!weight.serves(use)) {
                throw wrong("wants a weight loaded as " + use + ", not " + weight.shape() + " as " + weight.use());
            }
            return this;
        }

        Shapes products(List<Product> products, Buffer x) {
            if (products.isEmpty() || products.size() > MOST_PRODUCTS) {
                throw wrong(products.size() + " weights; a group has 1 to " + MOST_PRODUCTS);
            }
            for (int i = 0; i < products.size(); i++) {
                weight(products.get(i).weight(), WeightUse.MATRIX)
                        .apart(products.get(i).out(), x);
                for (int j = 0; j < i; j++) {
                    apart(products.get(i).out(), products.get(j).out());
                }
            }
            return this;
        }

        /** Checks the input of one weight: parts of {@code columns} values in rows of {@code width}. */
        Shapes input(WeightShape weight, @Nullable Buffer quantized, int columns, int width) {
            if (weight.columns() != columns) {
                throw wrong("an input of " + columns + " values for " + weight);
            }
            if (weight.takesFloats()) {
                return this;
            }
            if (quantized == null) {
                throw wrong("no quantized input for " + weight);
            }
            return quantized(quantized, width);
        }

        IllegalArgumentException wrong(String what) {
            return new IllegalArgumentException(operation + ": " + what);
        }

        private Shapes check(Buffer buffer, ElementType type, int width) {
            if (buffer.type() != type || buffer.width() != width || buffer.rows() < rows.limit()) {
                throw wrong(
                        "wants a buffer of " + type + " (" + rows.limit() + ", " + width + "), not " + text(buffer));
            }
            return this;
        }

        private static String text(Buffer buffer) {
            return buffer.type() + " (" + buffer.rows() + ", " + buffer.width() + ")";
        }
    }
}
