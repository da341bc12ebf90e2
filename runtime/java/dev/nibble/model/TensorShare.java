package dev.nibble.model;

import dev.nibble.UnsupportedFeatureException;
import dev.nibble.device.WeightSource;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/**
 * The part of every layer that one of several devices has: some of the key and value heads with the query heads that share them, and
 * some of the inner columns of the feed-forward part, of each expert too. What the parts give is summed. Norms and routers are on every
 * device, and so are latent vectors, which all heads share; the token embedding and the output matrix are the first one's.
 *
 * @param index the device's number, from 0
 * @param count how many devices there are
 * @param kvHeads key and value heads
 * @param feedForward inner columns of a dense feed-forward part
 * @param experts inner columns of an expert
 * @param shared inner columns of the experts that every token uses
 */
public record TensorShare(int index, int count, Run kvHeads, Run feedForward, Run experts, Run shared) {
    /** Activations are quantized in blocks of so many. */
    private static final int BLOCK = 32;

    /**
     * Neighbouring heads or columns.
     *
     * @param first the first of them
     * @param end the one after the last
     */
    public record Run(int first, int end) {
        /** How many there are. */
        public int count() {
            return end - first;
        }
    }

    /**
     * Splits all layers.
     *
     * @param tensors of the model, whose types say where columns can be cut
     * @param proportions of each device, relative to one another
     * @throws UnsupportedFeatureException if the model has too few heads or columns
     */
    public static List<TensorShare> split(ModelConfig config, List<Weights.Tensor> tensors, List<Double> proportions) {
        int headColumns = config.heads() / config.kvHeads() * config.valueSize();
        int unit = unit(tensors, TensorRole.ATTENTION_OUTPUT);
        List<Run> heads =
                runs("key and value heads", config.kvHeads(), lcm(headColumns, unit) / headColumns, proportions);
        ExpertConfig experts = config.experts();
        List<Run> dense = config.hasDenseLayers()
                ? runs("feed-forward columns", config.feedForward(), unit(tensors, TensorRole.DOWN), proportions)
                : whole(config.feedForward(), proportions.size());
        List<Run> chosen = experts == null
                ? whole(0, proportions.size())
                : runs("expert columns", experts.feedForward(), unit(tensors, TensorRole.EXPERT_DOWN), proportions);
        List<Run> shared = experts == null || experts.shared() == 0
                ? whole(0, proportions.size())
                : runs("shared expert columns", experts.shared(), unit(tensors, TensorRole.SHARED_DOWN), proportions);
        List<TensorShare> shares = new ArrayList<>();
        for (int i = 0; i < proportions.size(); i++) {
            shares.add(
                    new TensorShare(i, proportions.size(), heads.get(i), dense.get(i), chosen.get(i), shared.get(i)));
        }
        return shares;
    }

    private static List<Run> whole(int count, int devices) {
        return Collections.nCopies(devices, new Run(0, count));
    }

    /** Columns that all matrices of a role can be cut at: whole blocks of weights and of activations. */
    private static int unit(List<Weights.Tensor> tensors, TensorRole role) {
        return tensors.stream()
                .filter(tensor -> tensor.role() == role)
                .mapToInt(tensor -> tensor.source().shape().type().blockLength())
                .reduce(BLOCK, TensorShare::lcm);
    }

    private static int lcm(int a, int b) {
        int x = a;
        int y = b;
        while (y != 0) {
            int rest = x % y;
            x = y;
            y = rest;
        }
        return a / x * b;
    }

    private static List<Run> runs(String what, int count, int unit, List<Double> proportions) {
        int units = count / unit;
        int devices = proportions.size();
        if (units < devices || count % unit != 0) {
            throw new UnsupportedFeatureException("--split tensor: " + count + " " + what
                    + " can be cut where blocks of weights end, every " + unit + ", which gives " + units
                    + " parts for " + devices + " devices; use --split layer");
        }
        double sum = proportions.stream().mapToDouble(Double::doubleValue).sum();
        List<Run> runs = new ArrayList<>();
        double before = 0;
        int begin = 0;
        for (int i = 0; i < devices; i++) {
            before += proportions.get(i);
            int end = (int) Math.clamp(Math.round(units * before / sum), begin + 1L, units - (devices - 1L - i));
            runs.add(new Run(begin * unit, end * unit));
            begin = end;
        }
        return runs;
    }

    /** The layers of this part: all, of which the first device's alone take tokens in and give logits. */
    public LayerRange layers(ModelConfig whole) {
        return index == 0 ? LayerRange.all(whole.layers()) : LayerRange.inner(whole.layers());
    }

    /** The hyperparameters of this part. */
    public ModelConfig config(ModelConfig whole) {
        ExpertConfig all = whole.experts();
        return whole.withParts(
                kvHeads.count() * (whole.heads() / whole.kvHeads()),
                kvHeads.count(),
                feedForward.count(),
                all == null ? null : all.withColumns(experts.count(), shared.count()));
    }

    /** The weights of this part; the whole model stays open and is not closed with it. */
    public ModelSource of(ModelSource whole) {
        return new ModelShare(whole, this);
    }

    /** Whether a tensor is a part of this at all: a bias on the sum is added once. */
    boolean has(TensorRole role) {
        return index == 0 || role != TensorRole.ATTENTION_OUTPUT_BIAS;
    }

    /** The tensors that this part needs, each as much of it as it has: what {@link #of} will give. */
    public List<Weights.Tensor> tensors(ModelConfig whole, List<Weights.Tensor> all) {
        LayerRange layers = layers(whole);
        return all.stream()
                .filter(tensor -> layers.need(tensor) && has(tensor.role()))
                .map(tensor ->
                        new Weights.Tensor(tensor.role(), tensor.layer(), part(whole, tensor.role(), tensor.source())))
                .toList();
    }

    /** As much of a tensor as this part has: rows of what makes heads and inner columns, columns of what takes them. */
    WeightSource part(ModelConfig whole, TensorRole role, WeightSource source) {
        int queries = whole.heads() / whole.kvHeads() * whole.keySize();
        int values = whole.heads() / whole.kvHeads() * whole.valueSize();
        return switch (role) {
            case QUERY -> WeightParts.rows(source, kvHeads, queries);
            case KEY -> WeightParts.rows(source, kvHeads, whole.keySize());
            case VALUE -> WeightParts.rows(source, kvHeads, whole.valueSize());
            case QUERY_BIAS -> WeightParts.columns(source, kvHeads, queries);
            case KEY_BIAS -> WeightParts.columns(source, kvHeads, whole.keySize());
            case VALUE_BIAS -> WeightParts.columns(source, kvHeads, whole.valueSize());
            case QUERY_PLAIN, QUERY_TURNED ->
                WeightParts.rows(source, kvHeads, source.shape().rows() / whole.heads());
            case QUERY_TO_LATENT, KEY_UP, VALUE_UP -> WeightParts.matrices(source, kvHeads);
            case ATTENTION_OUTPUT -> WeightParts.columns(source, kvHeads, values);
            case GATE, UP -> WeightParts.rows(source, feedForward, 1);
            case DOWN -> WeightParts.columns(source, feedForward, 1);
            case EXPERT_GATE, EXPERT_UP -> WeightParts.rows(source, experts, 1);
            case EXPERT_DOWN -> WeightParts.columns(source, experts, 1);
            case SHARED_GATE, SHARED_UP -> WeightParts.rows(source, shared, 1);
            case SHARED_DOWN -> WeightParts.columns(source, shared, 1);
            default -> source;
        };
    }

    /** What it has, for people. */
    public String describe(ModelConfig whole) {
        ExpertConfig all = whole.experts();
        return kvHeads.count() + " of " + whole.kvHeads() + " heads and "
                + (all == null
                        ? feedForward.count() + " of " + whole.feedForward() + " feed-forward columns"
                        : experts.count() + " of " + all.feedForward() + " columns of each expert")
                + " of all layers";
    }
}
