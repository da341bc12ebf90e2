package dev.nibble.device;

import dev.nibble.device.Operation.Product;
import java.util.List;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * What an operation must at least do, by which the speed of a kernel is judged.
 *
 * @param name what it is and on which shapes: operations of the same name cost the same
 * @param bytes memory that it must read and write: weights and caches once, activations as often as it takes them in and gives them
 * @param multiplyAdds products that are added up
 */
public record OperationCost(String name, long bytes, long multiplyAdds) {
    private static final int FLOAT = Float.BYTES;

    /** Bytes of a block of 32 quantized activations over those of its values as int8: the scale and the sum. */
    private static final double QUANTIZED = 1.25;

    /**
     * The cost of an operation.
     *
     * @param rows live rows
     * @param depth tokens in the cache before the first row; the rows are a sequence
     */
    public static OperationCost of(Operation operation, int rows, int depth) {
        return switch (operation) {
            case Operation.Embed o -> {
                WeightShape table = o.table().shape();
                yield new OperationCost(
                        "embed " + weights(List.of(o.table())),
                        rows * (table.rowBytes() + (long) table.columns() * FLOAT),
                        0);
            }
            case Operation.Gather o -> rowWise("gather", o.out(), rows, 2);
            case Operation.Norm o -> rowWise("norm", o.x(), rows, 2);
            case Operation.AddNorm o -> rowWise("add-norm", o.delta(), rows, 4);
            case SumNorm o -> rowWise("sum-norm", o.residual(), rows, 5);
            case Operation.Quantize o -> rowWise("quantize", o.x(), rows, 1 + QUANTIZED / FLOAT);
            case Operation.Rope o -> rowWise("rope", o.x(), rows, 2);
            case Operation.Hadamard o -> rowWise("hadamard " + o.size(), o.x(), rows, 2);
            case Operation.JoinHeads o -> rowWise("join-heads", o.out(), rows, 2);
            case Operation.Gate o -> rowWise("gate", o.out(), rows, 3);
            case Operation.Route o -> rowWise("route " + o.gating().used() + " of", o.logits(), rows, 1);
            case Operation.Combine o -> rowWise("combine", o.x(), rows, 1);
            case Operation.ArgMax o -> rowWise("argmax", o.x(), rows, 1);
            case Operation.TopK o -> rowWise("top-k " + o.ids().width() + " of", o.x(), rows, 1);
            case Operation.Advance o -> rowWise("advance", o.positions(), rows, o.ids() == null ? 2 : 4);
            case AttentionOperation.WriteKv o -> {
                KvLayout layout = o.cache().layout();
                long bytes = rows * ((long) (o.k().width() + o.v().width()) * FLOAT + layout.tokenBytes());
                yield new OperationCost("write-kv " + keysAndValues(layout), bytes, 0);
            }
            case AttentionOperation.Attention o ->
                attention(
                        "attention",
                        o.form().heads(),
                        o.cache().layout(),
                        o.q().width() + o.out().width(),
                        rows,
                        depth);
            case AttentionOperation.LatentAttention o ->
                attention(
                        "latent-attention",
                        o.form().heads(),
                        o.cache().layout(),
                        o.q().width() + o.turned().width() + o.out().width(),
                        rows,
                        depth);
            case AttentionOperation.ReadLatent o -> {
                KvLayout layout = o.cache().layout();
                long bytes = rows * ((long) (layout.keySize() + layout.valueSize()) * FLOAT + layout.tokenBytes());
                yield new OperationCost("read-latent " + keysAndValues(layout), bytes, 0);
            }
            case AttentionOperation.TileAttention o -> tileAttention(o, rows);
            case Operation.Matmul o -> {
                List<Weight> weights =
                        o.products().stream().map(Product::weight).toList();
                yield products("matmul", weights, 1, rows, rows, activations(o.x(), o.quantized()));
            }
            case Operation.ExpertMatmul o -> {
                List<Weight> weights =
                        o.products().stream().map(Product::weight).toList();
                int experts = weights.getFirst().shape().matrices();
                int used = o.ids().width();
                // Of how many experts the weights are read, were tokens to choose at random.
                double read = 1 - Math.pow(1 - (double) used / experts, rows);
                yield products(
                        "expert-matmul", weights, read, rows, (long) rows * used, activations(o.x(), o.quantized()));
            }
        };
    }

    /** @param times how often a value of the widest buffer is read or written */
    private static OperationCost rowWise(String name, Buffer widest, int rows, double times) {
        return new OperationCost(
                name + " " + widest.width(), Math.round((double) rows * widest.width() * FLOAT * times), 0);
    }

    /** @param width values of a row that go in and come out */
    private static OperationCost attention(String name, long heads, KvLayout layout, long width, int rows, int depth) {
        long cached = (long) depth + rows;
        long seen = (long) rows * depth + (long) rows * (rows + 1) / 2;
        long keySize = layout.latent() ? layout.valueSize() + layout.keySize() : layout.keySize();
        return new OperationCost(
                name + " " + heads + " heads over " + keysAndValues(layout),
                cached * layout.tokenBytes() + rows * width * FLOAT,
                seen * heads * (keySize + layout.valueSize()));
    }

    /** As if each row saw the whole tile. */
    private static OperationCost tileAttention(AttentionOperation.TileAttention o, int rows) {
        KvLayout layout = o.tile().layout();
        int heads = o.form().heads();
        long tokens = (long) o.pageTable().width() * layout.pageTokens();
        long width = o.q().width() + 2L * o.out().width();
        return new OperationCost(
                "tile-attention " + heads + " heads over " + keysAndValues(layout),
                tokens * layout.tokenBytes() + rows * width * FLOAT,
                rows * tokens * heads * (layout.keySize() + layout.valueSize()));
    }

    private static String keysAndValues(KvLayout layout) {
        String heads = layout.latent() ? layout.valueSize() + " + " : layout.heads() + " x ";
        return heads + layout.keySize() + " " + layout.keyType() + "/" + layout.valueType();
    }

    /** Bytes of a row of activations, as products read it. */
    private static long activations(Buffer x, @Nullable Buffer quantized) {
        return quantized == null ? (long) x.width() * FLOAT : Math.round(x.width() * QUANTIZED);
    }

    /** @param read the share of the weights that is read */
    private static OperationCost products(
            String name, List<Weight> weights, double read, int rows, long places, long inputBytes) {
        long bytes = rows * inputBytes;
        long multiplyAdds = 0;
        for (Weight weight : weights) {
            WeightShape shape = weight.shape();
            bytes += Math.round(weight.bytes() * read) + places * shape.rows() * FLOAT;
            multiplyAdds += places * shape.rows() * shape.columns();
        }
        return new OperationCost(name + " " + weights(weights), bytes, multiplyAdds);
    }

    /** Names without what differs from layer to layer, and the shapes. */
    private static String weights(List<Weight> weights) {
        String names = weights.stream()
                .map(weight ->
                        weight.shape().name().replaceFirst("^blk\\.\\d+\\.", "").replaceFirst("\\.weight$", ""))
                .collect(Collectors.joining("+"));
        String outputs = weights.stream()
                .map(weight -> String.valueOf(weight.shape().rows()))
                .collect(Collectors.joining("+"));
        String types = weights.stream()
                .map(weight -> weight.shape().type().toString())
                .distinct()
                .collect(Collectors.joining("+"));
        return names + " " + weights.getFirst().shape().columns() + " -> " + outputs + " " + types;
    }
}
