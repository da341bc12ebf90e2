package dev.nibble.device;

import dev.nibble.device.TextbookDevice.Cache;
import dev.nibble.device.TextbookDevice.Dense;
import dev.nibble.device.TextbookDevice.Matrix;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** One operation by its formula. */
final class Textbook {
    private final Operation operation;
    private final boolean exact;
    private final int n;

    Textbook(Operation operation, boolean exact) {
        this.operation = operation;
        this.exact = exact;
        n = (int) values(operation.rows().live())[0][0];
    }

    void run() {
        switch (operation) {
            case Operation.Embed o -> put(o.out(), row -> ((Dense) o.table()).values()[integer(o.ids(), row)]);
            case Operation.Gather o -> put(o.out(), row -> values(o.source())[integer(o.indices(), row)]);
            case Operation.Norm o ->
                put(o.out(), row -> norm(values(o.x())[row], o.kind(), o.epsilon(), o.weight(), o.bias()));
            case Operation.AddNorm o -> {
                put(o.residual(), row -> sum(values(o.residual())[row], values(o.delta())[row]));
                put(o.out(), row -> norm(values(o.residual())[row], o.kind(), o.epsilon(), o.weight(), o.bias()));
            }
            case SumNorm o -> throw new IllegalArgumentException("one device cannot do " + o);
            case Operation.Quantize o -> put(o.out(), row -> exact ? values(o.x())[row] : int8(values(o.x())[row]));
            case Operation.Matmul o -> o.products().forEach(product -> matmul(o, product));
            case Operation.Rope o -> put(o.x(), row -> rope(o, row));
            case Operation.Hadamard o -> put(o.x(), row -> hadamard(values(o.x())[row], o.size()));
            case AttentionOperation.WriteKv o -> writeKv(o);
            case AttentionOperation.Attention o -> put(o.out(), row -> attention(o, row));
            case AttentionOperation.LatentAttention o -> put(o.out(), row -> latentAttention(o, row));
            case AttentionOperation.ReadLatent o -> new TextbookTiles(n, exact).readLatent(o);
            case AttentionOperation.TileAttention o -> new TextbookTiles(n, exact).attention(o);
            case Operation.JoinHeads o -> put(o.out(), row -> TextbookTiles.join(o, row));
            case Operation.Gate o -> put(o.out(), row -> gate(o, row));
            case Operation.Route o -> IntStream.range(0, n).forEach(row -> route(o, row));
            case Operation.ExpertMatmul o ->
                o.products().forEach(product -> put(product.out(), row -> experts(o, product, row)));
            case Operation.Combine o -> put(o.out(), row -> combine(o, row));
            case Operation.ArgMax o -> put(o.ids(), row -> new double[] {argMax(values(o.x())[row])});
            case Operation.Advance o -> {
                put(o.positions(), row -> new double[] {integer(o.positions(), row) + 1});
                if (o.ids() != null && o.chosen() != null) {
                    put(o.ids(), row -> values(o.chosen())[row]);
                }
            }
            case Operation.TopK o -> {
                put(
                        o.ids(),
                        row -> Arrays.copyOf(
                                falling(values(o.x())[row]), o.ids().width()));
                put(
                        o.values(),
                        row -> Arrays.stream(falling(values(o.x())[row]))
                                .limit(o.ids().width())
                                .map(id -> values(o.x())[row][(int) id])
                                .toArray());
            }
        }
    }

    private interface RowOf {
        double[] values(int row);
    }

    /** Stores live rows; F32 buffers round to floats. */
    private void put(Buffer target, RowOf source) {
        for (int row = 0; row < n; row++) {
            double[] values = source.values(row);
            boolean rounds = target.type() == ElementType.F32;
            values(target)[row] =
                    Arrays.stream(values).map(x -> rounds ? (float) x : x).toArray();
        }
    }

    static double[][] values(Buffer buffer) {
        return ((Matrix) buffer).values();
    }

    static int integer(Buffer buffer, int row) {
        return (int) values(buffer)[row][0];
    }

    private static double[] sum(double[] a, double[] b) {
        return IntStream.range(0, a.length).mapToDouble(i -> a[i] + b[i]).toArray();
    }

    static double dot(double[] a, double[] b) {
        double sum = 0;
        for (int i = 0; i < a.length; i++) {
            sum += a[i] * b[i];
        }
        return sum;
    }

    private static double[] norm(double[] x, NormKind kind, double epsilon, Buffer weight, @Nullable Buffer bias) {
        int width = weight.width();
        double[] y = new double[x.length];
        for (int group = 0; group < x.length; group += width) {
            double[] part = Arrays.copyOfRange(x, group, group + width);
            double mean = kind == NormKind.LAYER ? Arrays.stream(part).average().orElseThrow() : 0;
            double variance =
                    Arrays.stream(part).map(v -> (v - mean) * (v - mean)).sum() / width;
            for (int i = 0; i < width; i++) {
                double normal = (part[i] - mean) / Math.sqrt(variance + epsilon);
                y[group + i] = normal * values(weight)[0][i] + (bias == null ? 0 : values(bias)[0][i]);
            }
        }
        return y;
    }

    /** The values that int8 blocks stand for. */
    static double[] int8(double[] x) {
        double[] y = new double[x.length];
        for (int block = 0; block < x.length; block += 32) {
            float largest = (float) IntStream.range(block, block + 32)
                    .mapToDouble(i -> Math.abs(x[i]))
                    .max()
                    .orElseThrow();
            float inverse = largest == 0 ? 0 : 127f / largest;
            for (int i = block; i < block + 32; i++) {
                float scaled = (float) x[i] * inverse;
                y[i] = (Math.floor(scaled + 128.5f) - 128) * (largest / 127f);
            }
        }
        return y;
    }

    private static double[][] input(Weight weight, Buffer x, @Nullable Buffer quantized) {
        return values(weight.shape().takesFloats() ? x : Objects.requireNonNull(quantized));
    }

    private void matmul(Operation.Matmul o, Operation.Product product) {
        double[][] x = input(product.weight(), o.x(), o.quantized());
        double[][] w = ((Dense) product.weight()).values();
        put(product.out(), row -> {
            double[] y = Arrays.stream(w)
                    .mapToDouble(weights -> dot(weights, x[row]))
                    .toArray();
            return product.bias() == null ? y : sum(y, values(product.bias())[0]);
        });
    }

    private double[] rope(Operation.Rope o, int row) {
        double[] x = values(o.x())[row];
        double[] y = x.clone();
        double[] frequencies = values(o.frequencies())[0];
        for (int head = 0; head < x.length; head += o.headSize()) {
            for (int i = 0; i < frequencies.length; i++) {
                boolean neighbours = o.style() == RopeStyle.INTERLEAVED;
                int real = head + (neighbours ? 2 * i : i);
                int imaginary = neighbours ? real + 1 : real + frequencies.length;
                double length = Math.hypot(x[real], x[imaginary]) * o.magnitude();
                double angle = Math.atan2(x[imaginary], x[real]) + integer(o.positions(), row) * frequencies[i];
                y[real] = length * Math.cos(angle);
                y[imaginary] = length * Math.sin(angle);
            }
        }
        return y;
    }

    static int place(KvLayout layout, Buffer pageTable, int slot, int position) {
        int page = (int) values(pageTable)[slot][position / layout.pageTokens()];
        return page * layout.pageTokens() + position % layout.pageTokens();
    }

    private void writeKv(AttentionOperation.WriteKv o) {
        Cache cache = (Cache) o.cache();
        for (int row = 0; row < n; row++) {
            int place = place(cache.layout(), o.pageTable(), integer(o.slots(), row), integer(o.positions(), row));
            cache.keys()
                    .put(
                            place,
                            StoredValues.of(values(o.k())[row], cache.layout().keyType()));
            cache.values()
                    .put(
                            place,
                            StoredValues.of(values(o.v())[row], cache.layout().valueType()));
        }
    }

    private static double[] hadamard(double[] x, int size) {
        double[] y = new double[x.length];
        for (int i = 0; i < x.length; i++) {
            for (int j = 0; j < size; j++) {
                double sign = Integer.bitCount(i % size & j) % 2 == 0 ? 1 : -1;
                y[i] += sign * x[i - i % size + j] / Math.sqrt(size);
            }
        }
        return y;
    }

    /** All tokens of the slot up to the row's are scored, those outside the window as minus infinity. */
    private double[] attention(AttentionOperation.Attention o, int row) {
        Cache cache = (Cache) o.cache();
        KvLayout layout = cache.layout();
        AttentionForm form = o.form();
        int position = integer(o.positions(), row);
        List<double[]> keys = new ArrayList<>();
        List<double[]> vectors = new ArrayList<>();
        for (int token = 0; token <= position; token++) {
            int place = place(layout, o.pageTable(), integer(o.slots(), row), token);
            keys.add(cache.keys().get(place));
            vectors.add(cache.values().get(place));
        }
        double[] out = new double[form.heads() * layout.valueSize()];
        for (int head = 0; head < form.heads(); head++) {
            int shared = head * layout.heads() / form.heads();
            double[] q = Arrays.copyOfRange(values(o.q())[row], head * layout.keySize(), (head + 1) * layout.keySize());
            if (layout.keyType().isQuantized() && !exact) {
                q = int8(q);
            }
            double[] scores = new double[position + 1 + (o.sinks() == null ? 0 : 1)];
            for (int token = 0; token <= position; token++) {
                double[] k =
                        Arrays.copyOfRange(keys.get(token), shared * layout.keySize(), (shared + 1) * layout.keySize());
                boolean seen = form.window() == 0 || position - token < form.window();
                scores[token] = seen ? cap(dot(q, k) * form.scale(), form.softcap()) : Double.NEGATIVE_INFINITY;
            }
            if (o.sinks() != null) {
                scores[position + 1] = values(o.sinks())[0][head];
            }
            double[] weights = softmax(scores);
            for (int token = 0; token <= position; token++) {
                for (int i = 0; i < layout.valueSize(); i++) {
                    out[head * layout.valueSize() + i] +=
                            weights[token] * vectors.get(token)[shared * layout.valueSize() + i];
                }
            }
        }
        return out;
    }

    /** As attention with one key head, whose keys are the latent vector and the turned values. */
    private double[] latentAttention(AttentionOperation.LatentAttention o, int row) {
        Cache cache = (Cache) o.cache();
        KvLayout layout = cache.layout();
        int position = integer(o.positions(), row);
        int heads = o.form().heads();
        double[] out = new double[heads * layout.valueSize()];
        for (int head = 0; head < heads; head++) {
            double[] q = part(o.q(), row, head, layout, layout.valueSize());
            double[] turned = part(o.turned(), row, head, layout, layout.keySize());
            double[] scores = new double[position + 1];
            for (int token = 0; token <= position; token++) {
                int place = place(layout, o.pageTable(), integer(o.slots(), row), token);
                double product = dot(q, cache.values().get(place))
                        + dot(turned, cache.keys().get(place));
                scores[token] = product * o.form().scale();
            }
            double[] weights = softmax(scores);
            for (int i = 0; i < weights.length * layout.valueSize(); i++) {
                int place = place(layout, o.pageTable(), integer(o.slots(), row), i / layout.valueSize());
                int column = i % layout.valueSize();
                out[head * layout.valueSize() + column] +=
                        weights[i / layout.valueSize()] * cache.values().get(place)[column];
            }
        }
        return out;
    }

    private double[] part(Buffer queries, int row, int head, KvLayout layout, int size) {
        double[] part = Arrays.copyOfRange(values(queries)[row], head * size, (head + 1) * size);
        return layout.keyType().isQuantized() && !exact ? int8(part) : part;
    }

    private static double cap(double score, double c) {
        return c == 0 ? score : c * Math.tanh(score / c);
    }

    static double[] softmax(double[] x) {
        double most = Arrays.stream(x).max().orElseThrow();
        double sum = Arrays.stream(x).map(v -> Math.exp(v - most)).sum();
        return Arrays.stream(x).map(v -> Math.exp(v - most) / sum).toArray();
    }

    private static double[] gate(Operation.Gate o, int row) {
        double[] gate = values(o.gate())[row];
        double[] up = values(o.up())[row];
        return IntStream.range(0, gate.length)
                .mapToDouble(i -> up[i]
                        * switch (o.activation()) {
                            case SILU -> gate[i] * sigmoid(gate[i]);
                            // tanh z = 2 sigmoid(2z) - 1
                            case GELU ->
                                gate[i] * sigmoid(Math.sqrt(8 / Math.PI) * (gate[i] + 0.044715 * Math.pow(gate[i], 3)));
                        })
                .toArray();
    }

    private static double sigmoid(double x) {
        return 1 / (1 + Math.exp(-x));
    }

    private void route(Operation.Route o, int row) {
        double[] logits = values(o.logits())[row];
        double[] probabilities = o.gating().function() == Gating.Function.SOFTMAX
                ? softmax(logits)
                : Arrays.stream(logits).map(Textbook::sigmoid).toArray();
        double[] scores = IntStream.range(0, logits.length)
                .mapToDouble(i -> probabilities[i] + (o.bias() == null ? 0 : values(o.bias())[0][i]))
                .toArray();
        leaveGroups(o.gating(), scores);
        int[] order = Arrays.stream(falling(scores))
                .mapToInt(i -> (int) i)
                .limit(o.gating().used())
                .toArray();
        double sum = Arrays.stream(order).mapToDouble(i -> probabilities[i]).sum();
        for (int i = 0; i < order.length; i++) {
            double weight = probabilities[order[i]] / (o.gating().normalize() ? sum : 1);
            values(o.ids())[row][i] = order[i];
            values(o.weights())[row][i] = (float) (weight * o.gating().scale());
        }
    }

    /** The scores of experts whose group is not among the best become the least. */
    private static void leaveGroups(Gating gating, double[] scores) {
        int size = scores.length / gating.groups();
        double[] groups = IntStream.range(0, gating.groups())
                .mapToDouble(group -> Arrays.stream(scores, group * size, (group + 1) * size)
                        .map(x -> -x)
                        .sorted()
                        .limit(gating.groupBest())
                        .map(x -> -x)
                        .sum())
                .toArray();
        double[] order = falling(groups);
        for (int i = gating.groupsUsed(); i < order.length; i++) {
            Arrays.fill(scores, (int) order[i] * size, ((int) order[i] + 1) * size, Double.NEGATIVE_INFINITY);
        }
    }

    private static double[] experts(Operation.ExpertMatmul o, Operation.Product product, int row) {
        WeightShape shape = product.weight().shape();
        double[] x = input(product.weight(), o.x(), o.quantized())[row];
        double[] y = new double[o.ids().width() * shape.rows()];
        for (int i = 0; i < y.length; i++) {
            int choice = i / shape.rows();
            int expert = (int) values(o.ids())[row][choice];
            int from = x.length == shape.columns() ? 0 : choice * shape.columns();
            double[] weights = ((Dense) product.weight()).values()[expert * shape.rows() + i % shape.rows()];
            y[i] = dot(weights, Arrays.copyOfRange(x, from, from + shape.columns()));
        }
        return y;
    }

    private static double[] combine(Operation.Combine o, int row) {
        double[] weights = values(o.weights())[row];
        double[] y = new double[o.out().width()];
        for (int i = 0; i < weights.length * y.length; i++) {
            y[i % y.length] += weights[i / y.length] * values(o.x())[row][i];
        }
        double share = o.gate() == null ? 1 : sigmoid(values(o.gate())[row][0]);
        for (int i = 0; i < y.length && o.shared() != null; i++) {
            y[i] += share * values(o.shared())[row][i];
        }
        return y;
    }

    private static int argMax(double[] x) {
        double most = Arrays.stream(x).max().orElseThrow();
        return IntStream.range(0, x.length)
                .filter(i -> x[i] == most)
                .findFirst()
                .orElseThrow();
    }

    /** All places, those of the largest values first. */
    private static double[] falling(double[] x) {
        return IntStream.range(0, x.length)
                .boxed()
                .sorted(Comparator.<Integer>comparingDouble(i -> -x[i]))
                .mapToDouble(i -> i)
                .toArray();
    }
}
