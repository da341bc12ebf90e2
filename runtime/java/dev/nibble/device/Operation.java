package dev.nibble.device;

import dev.nibble.device.OperationChecks.Shapes;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a device can do, as data: one record per operation, on {@code n} live rows of activations. Nothing in a record changes
 * from step to step: token ids, positions, slots and row counts lie in device buffers. Shapes are written (rows, width);
 * buffers may have more rows than {@code n}. All floats are F32 unless said otherwise.
 */
public sealed interface Operation
        permits AttentionOperation,
                SumNorm,
                Operation.Embed,
                Operation.Gather,
                Operation.Norm,
                Operation.AddNorm,
                Operation.Quantize,
                Operation.Matmul,
                Operation.Rope,
                Operation.Hadamard,
                Operation.JoinHeads,
                Operation.Gate,
                Operation.Route,
                Operation.ExpertMatmul,
                Operation.Combine,
                Operation.ArgMax,
                Operation.TopK,
                Operation.Advance {
    /** The rows that it works on. */
    RowCount rows();

    /** All buffers, weights and caches that it reads or writes, that of the row count first. */
    default List<AutoCloseable> parts() {
        return OperationParts.of(this);
    }

    /**
     * Looks up the embedding of each token.
     *
     * @param ids I32 (n, 1)
     * @param table (vocabulary, width), loaded as {@link WeightUse#TABLE}
     * @param out (n, width)
     */
    record Embed(RowCount rows, Buffer ids, Weight table, Buffer out) implements Operation {
        /** Checks the shapes. */
        public Embed {
            Shapes.of("embed", rows)
                    .weight(table, WeightUse.TABLE)
                    .ints(ids, 1)
                    .floats(out, table.shape().columns());
        }
    }

    /**
     * Picks rows: out[i] = source[indices[i]].
     *
     * @param source (any, width)
     * @param indices I32 (n, 1)
     * @param out (n, width)
     */
    record Gather(RowCount rows, Buffer source, Buffer indices, Buffer out) implements Operation {
        /** Checks the shapes. */
        public Gather {
            Shapes.of("gather", rows)
                    .ints(indices, 1)
                    .table(source, ElementType.F32)
                    .floats(out, source.width())
                    .apart(out, source);
        }
    }

    /**
     * Normalises each group of {@code weight.width()} values of each row: one group is the row's norm, several are the norm of
     * each head. May work in place.
     *
     * @param epsilon added to the mean square or variance
     * @param x (n, groups × width)
     * @param weight (1, width)
     * @param bias (1, width), or none
     * @param out (n, groups × width)
     */
    record Norm(
            RowCount rows,
            NormKind kind,
            float epsilon,
            Buffer x,
            Buffer weight,
            @Nullable Buffer bias,
            Buffer out) implements Operation {
        /** Checks the shapes. */
        public Norm {
            Shapes.of("norm", rows)
                    .floats(x, out.width())
                    .floats(out, x.width())
                    .groups(x, weight.width())
                    .values(weight, weight.width())
                    .values(bias, weight.width());
        }
    }

    /**
     * Adds to the residual stream, then normalises it: residual += delta; out = norm(residual).
     *
     * @param epsilon added to the mean square or variance
     * @param delta (n, width)
     * @param residual (n, width), read and written
     * @param weight (1, width)
     * @param bias (1, width), or none
     * @param out (n, width)
     */
    record AddNorm(
            RowCount rows,
            NormKind kind,
            float epsilon,
            Buffer delta,
            Buffer residual,
            Buffer weight,
            @Nullable Buffer bias,
            Buffer out)
            implements Operation {
        /** Checks the shapes. */
        public AddNorm {
            int width = weight.width();
            Shapes.of("addNorm", rows)
                    .floats(delta, width)
                    .floats(residual, width)
                    .floats(out, width)
                    .values(weight, width)
                    .values(bias, width)
                    .apart(residual, delta)
                    .apart(out, residual);
        }
    }

    /**
     * Quantizes each row to int8 in blocks of 32, once for all products that share the input. With amax the largest magnitude
     * of a block, in float32: scale = amax / 127; inverse = 127 / amax, or 0 if amax is 0; q = (int) (x · inverse + 128.5) − 128,
     * the product rounded before the sum. In {@link Arithmetic#FIXED_POINT} a row has one scale and a zero point instead.
     *
     * @param x (n, width), width a multiple of 32
     * @param out Q8 (n, width)
     */
    record Quantize(RowCount rows, Buffer x, Buffer out) implements Operation {
        /** Checks the shapes. */
        public Quantize {
            Shapes.of("quantize", rows).floats(x, out.width()).quantized(out, x.width());
        }
    }

    /**
     * Multiplies the rows by one to four weights: out = x · weightᵀ (+ bias). Weights of F32, F16 and BF16 read {@code x}, all
     * others read {@code quantized}.
     *
     * @param x (n, columns)
     * @param quantized Q8 (n, columns), the same rows quantized; none if no weight needs them
     * @param products what they are multiplied by
     */
    record Matmul(RowCount rows, Buffer x, @Nullable Buffer quantized, List<Product> products) implements Operation {
        /** Checks the shapes. */
        public Matmul {
            products = List.copyOf(products);
            OperationChecks.matmul(rows, x, quantized, products);
        }
    }

    /**
     * One weight of a {@link Matmul}.
     *
     * @param weight (rows, columns), loaded as {@link WeightUse#MATRIX}
     * @param bias (1, rows), or none
     * @param out (n, rows)
     */
    record Product(Weight weight, @Nullable Buffer bias, Buffer out) {}

    /**
     * Rotary position embedding, in place. Pair i of each head is turned by the angle position · frequencies[i]; values beyond
     * the rotated part stay.
     *
     * @param positions I32 (n, 1)
     * @param x (n, heads × headSize), read and written
     * @param headSize values of one head
     * @param style which values form a pair
     * @param frequencies (1, rotated / 2), radians per position
     * @param magnitude a factor on the turned values, 1 but for YaRN
     */
    record Rope(
            RowCount rows,
            Buffer positions,
            Buffer x,
            int headSize,
            RopeStyle style,
            Buffer frequencies,
            float magnitude)
            implements Operation {
        /** Checks the shapes. */
        public Rope {
            OperationChecks.rope(rows, positions, x, headSize, frequencies);
        }
    }

    /**
     * Multiplies each group of {@code size} values of each row by the Hadamard matrix of that size over the root of the size, in place.
     * The matrix is its own inverse, keeps products of two vectors as they are, and spreads what stands out in one value over the
     * whole group: what is left can be quantized with a finer scale.
     *
     * <p>In float32, in this order: for h = size / 2, size / 4, …, 1, each pair of values h apart, the first with h not in its
     * place, becomes their sum and their difference; last all are multiplied by the float nearest to 1 / √size.
     *
     * @param x (n, groups × size), read and written
     * @param size a power of two
     */
    record Hadamard(RowCount rows, Buffer x, int size) implements Operation {
        /** Checks the shapes. */
        public Hadamard {
            OperationChecks.hadamard(rows, x, size);
        }

        /** The factor on the sums. */
        public float factor() {
            return (float) (1 / Math.sqrt(size));
        }
    }

    /**
     * Brings the two parts of each head together: those of {@code first}, then those of {@code second}.
     *
     * @param first (n, heads × a)
     * @param second (n, heads × b), or (n, b), which all heads share
     * @param out (n, heads × (a + b))
     */
    record JoinHeads(RowCount rows, Buffer first, Buffer second, int heads, Buffer out) implements Operation {
        /** Checks the shapes. */
        public JoinHeads {
            OperationChecks.joinHeads(rows, first, second, heads, out);
        }

        /** Values of a head's first part. */
        public int firstSize() {
            return first.width() / heads;
        }

        /** Values of a head's second part. */
        public int secondSize() {
            return out.width() / heads - firstSize();
        }

        /** Whether all heads have the same second part. */
        public boolean shared() {
            return second.width() == secondSize();
        }
    }

    /**
     * The gate of a feed-forward layer: out = activation(gate) · up. May work in place.
     *
     * @param gate (n, width)
     * @param up (n, width)
     * @param out (n, width)
     */
    record Gate(RowCount rows, Activation activation, Buffer gate, Buffer up, Buffer out) implements Operation {
        /** Checks the shapes. */
        public Gate {
            Shapes.of("gate", rows)
                    .floats(gate, out.width())
                    .floats(up, out.width())
                    .floats(out, out.width());
        }
    }

    /**
     * Chooses the experts of each row: those of the largest scores, the lower id first among equals. A score is the probability, plus the
     * expert's bias if there is one; the weights are made of the probabilities.
     *
     * @param gating the rule
     * @param logits (n, experts)
     * @param bias (1, experts), or none
     * @param ids I32 (n, used), by falling score
     * @param weights (n, used)
     */
    record Route(
            RowCount rows,
            Gating gating,
            Buffer logits,
            @Nullable Buffer bias,
            Buffer ids,
            Buffer weights) implements Operation {
        /** A choice by probabilities alone. */
        public Route(RowCount rows, Gating gating, Buffer logits, Buffer ids, Buffer weights) {
            this(rows, gating, logits, null, ids, weights);
        }

        /** Checks the shapes. */
        public Route {
            OperationChecks.experts(gating, logits);
            Shapes.of("route", rows)
                    .floats(logits, logits.width())
                    .values(bias, logits.width())
                    .ints(ids, gating.used())
                    .floats(weights, gating.used());
        }
    }

    /**
     * Multiplies each row by the matrices of its experts. The input is either one row for all experts of the row, (n, columns),
     * or a part for each, (n, used × columns).
     *
     * <p>With ids 0, 1, 2 … in each row it multiplies each part by a matrix of its own: so heads have their matrices.
     *
     * @param ids I32 (n, used)
     * @param x (n, columns) or (n, used × columns)
     * @param quantized Q8, the same quantized; none if no weight needs it
     * @param products weights of (experts, rows, columns), outputs (n, used × rows), no biases
     */
    record ExpertMatmul(
            RowCount rows, Buffer ids, Buffer x, @Nullable Buffer quantized, List<Product> products)
            implements Operation {
        /** Checks the shapes. */
        public ExpertMatmul {
            products = List.copyOf(products);
            OperationChecks.expertMatmul(rows, ids, x, quantized, products);
        }
    }

    /**
     * The weighted sum of the experts' outputs, and what the experts add that every token uses: out = Σ weight · x + share · shared, with
     * share = sigmoid(gate), or 1.
     *
     * @param x (n, used × width)
     * @param weights (n, used)
     * @param shared (n, width), or none
     * @param gate (n, 1), the logit of the share, or none
     * @param out (n, width)
     */
    record Combine(
            RowCount rows,
            Buffer x,
            Buffer weights,
            @Nullable Buffer shared,
            @Nullable Buffer gate,
            Buffer out) implements Operation {
        /** The weighted sum alone. */
        public Combine(RowCount rows, Buffer x, Buffer weights, Buffer out) {
            this(rows, x, weights, null, null, out);
        }

        /** Checks the shapes. */
        public Combine {
            OperationChecks.combine(rows, x, weights, shared, gate, out);
        }
    }

    /**
     * The place of the largest value of each row, the lower one among equals.
     *
     * @param x (n, width)
     * @param ids I32 (n, 1)
     */
    record ArgMax(RowCount rows, Buffer x, Buffer ids) implements Operation {
        /** Checks the shapes. */
        public ArgMax {
            Shapes.of("argmax", rows).floats(x, x.width()).ints(ids, 1);
        }
    }

    /**
     * The largest values of each row, in falling order, the lower place first among equals, and their places. Zero and minus zero are
     * equal. A NaN counts as larger than all numbers, so that what is broken comes first and is seen.
     *
     * @param x (n, width)
     * @param ids I32 (n, k), k at most the width and {@link #MOST}
     * @param values (n, k)
     */
    record TopK(RowCount rows, Buffer x, Buffer ids, Buffer values) implements Operation {
        /** The largest k: what a work-group can bring into order in its own memory. */
        public static final int MOST = 256;

        /** Checks the shapes. */
        public TopK {
            OperationChecks.topK(rows, x, ids, values);
        }
    }

    /**
     * Makes the rows of a step those of the next one, in which each sequence goes on with the token chosen for it: positions += 1, and
     * ids = chosen where the ids are this device's matter. What was chosen may be read until it is chosen anew.
     *
     * @param positions I32 (n, 1), read and written
     * @param chosen I32 (n, 1), or none
     * @param ids I32 (n, 1), or none
     */
    record Advance(
            RowCount rows,
            Buffer positions,
            @Nullable Buffer chosen,
            @Nullable Buffer ids) implements Operation {
        /** Checks the shapes. */
        public Advance {
            OperationChecks.advance(rows, positions, chosen, ids);
        }
    }
}
