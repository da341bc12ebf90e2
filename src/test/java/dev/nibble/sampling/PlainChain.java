package dev.nibble.sampling;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * The sampler chain once more, as its definition reads: whole sorts, maps and doubles. The oracle of {@link Sampler}.
 */
final class PlainChain {
    record Entry(int token, double logit) {}

    private static final Comparator<Entry> BEST_FIRST =
            Comparator.comparingDouble(Entry::logit).reversed().thenComparingInt(Entry::token);

    private PlainChain() {}

    /** The tokens that may be drawn, with their probabilities. */
    static Map<Integer, Double> distribution(SamplerOptions options, float[] logits, List<Integer> history) {
        List<Entry> entries = new ArrayList<>();
        for (int token = 0; token < logits.length; token++) {
            float logit = logits[token] + options.logitBias().getOrDefault(token, 0f);
            entries.add(new Entry(token, penalized(options, token, logit, history)));
        }
        entries.removeIf(entry -> entry.logit() == Double.NEGATIVE_INFINITY);
        entries.sort(BEST_FIRST);
        if (options.temperature() == 0) {
            return Map.of(entries.getFirst().token(), 1.0);
        }
        if (options.topK() > 0 && options.topK() < entries.size()) {
            entries = entries.subList(0, options.topK());
        }
        entries = typical(entries, options.typicalP());
        entries = nucleus(entries, options.topP());
        double least = options.minP() * softmax(entries, 1).getFirst();
        List<Double> probabilities = softmax(entries, 1);
        List<Entry> left = new ArrayList<>();
        for (int i = 0; i < entries.size(); i++) {
            if (probabilities.get(i) >= least) {
                left.add(entries.get(i));
            }
        }
        List<Double> drawn = softmax(left, options.temperature());
        Map<Integer, Double> distribution = new TreeMap<>();
        for (int i = 0; i < left.size(); i++) {
            distribution.put(left.get(i).token(), drawn.get(i));
        }
        return distribution;
    }

    private static float penalized(SamplerOptions options, int token, float logit, List<Integer> history) {
        int reach = options.repeatLastN() < 0 ? history.size() : Math.min(history.size(), options.repeatLastN());
        int met = 0;
        for (int accepted : history.subList(history.size() - reach, history.size())) {
            met += accepted == token ? 1 : 0;
        }
        if (met == 0) {
            return logit;
        }
        float repeated = logit > 0 ? logit / options.repeatPenalty() : logit * options.repeatPenalty();
        return repeated - met * options.frequencyPenalty() - options.presencePenalty();
    }

    private static List<Entry> typical(List<Entry> entries, double p) {
        if (p >= 1) {
            return entries;
        }
        List<Double> probabilities = softmax(entries, 1);
        double entropy = 0;
        for (double probability : probabilities) {
            entropy -= probability == 0 ? 0 : probability * Math.log(probability);
        }
        double expected = entropy;
        List<Integer> places = new ArrayList<>();
        for (int i = 0; i < entries.size(); i++) {
            places.add(i);
        }
        places.sort(Comparator.comparingDouble(i -> Math.abs(-Math.log(probabilities.get(i)) - expected)));
        List<Entry> kept = new ArrayList<>();
        double reached = 0;
        for (int place : places) {
            kept.add(entries.get(place));
            reached += probabilities.get(place);
            if (reached > p) {
                break;
            }
        }
        kept.sort(BEST_FIRST);
        return kept;
    }

    private static List<Entry> nucleus(List<Entry> entries, double p) {
        if (p >= 1) {
            return entries;
        }
        List<Double> probabilities = softmax(entries, 1);
        double reached = 0;
        for (int i = 0; i < entries.size(); i++) {
            reached += probabilities.get(i);
            if (reached >= p) {
                return entries.subList(0, i + 1);
            }
        }
        return entries;
    }

    private static List<Double> softmax(List<Entry> sorted, double temperature) {
        double greatest = sorted.getFirst().logit();
        double total = 0;
        for (Entry entry : sorted) {
            total += Math.exp((entry.logit() - greatest) / temperature);
        }
        List<Double> probabilities = new ArrayList<>();
        for (Entry entry : sorted) {
            probabilities.add(Math.exp((entry.logit() - greatest) / temperature) / total);
        }
        return probabilities;
    }
}
