package dev.nibble.evaluation;

import dev.nibble.LanguageModel;
import dev.nibble.TokenSession;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.IntConsumer;

/**
 * How far a model goes on with prompts as a reference does, word for word, both always taking the likeliest token. A continuation
 * is computed at once, as a text: the model agrees as long as its likeliest token is the reference's next.
 *
 * @param items continuations that were compared
 * @param same the share of them that are the reference's from end to end
 * @param prefix the tokens up to the first that differs
 * @param prefixShare these tokens as a share of the continuation
 */
public record GreedyAgreement(int items, Estimate same, Estimate prefix, Estimate prefixShare) {
    /**
     * Compares a model with continuations of a reference.
     *
     * @param items of the same vocabulary
     * @param onProgress hears how many items are done; called by several threads
     * @throws IOException if the measurement was interrupted
     * @throws IllegalArgumentException if there are no items, or a token is not in the vocabulary
     * @throws dev.nibble.OutOfCapacityException if the context cannot hold an item
     */
    public static GreedyAgreement measure(LanguageModel model, List<GreedyItem> items, IntConsumer onProgress)
            throws IOException {
        if (items.isEmpty()) {
            throw new IllegalArgumentException("there are no continuations to compare with");
        }
        double[] prefixes = new double[items.size()];
        double[] shares = new double[items.size()];
        AtomicInteger done = new AtomicInteger();
        int longest = items.stream()
                .mapToInt(item -> item.prompt().length + item.continuation().length)
                .max()
                .orElseThrow();
        new Parallel(model.info()).run(items.size(), longest, index -> {
            GreedyItem item = items.get(index);
            prefixes[index] = matching(model, item);
            shares[index] = prefixes[index] / item.continuation().length;
            onProgress.accept(done.incrementAndGet());
        });
        int same = (int) Arrays.stream(shares).filter(share -> share == 1).count();
        return new GreedyAgreement(
                items.size(), Estimate.share(same, items.size()), Estimate.mean(prefixes), Estimate.mean(shares));
    }

    /** The number of tokens, from the first, that are the model's own choice. */
    private static int matching(LanguageModel model, GreedyItem item) {
        int before = item.prompt().length - 1;
        int[] wanted = item.continuation();
        int[] fed = Arrays.copyOf(item.prompt(), before + wanted.length);
        System.arraycopy(wanted, 0, fed, before + 1, wanted.length - 1);
        int[] chosen = new int[wanted.length];
        try (TokenSession session = model.session()) {
            session.feed(Arrays.copyOf(fed, before));
            session.feed(
                    Arrays.copyOfRange(fed, before, fed.length),
                    (position, logits) -> chosen[position - before] = Prediction.top(logits));
        }
        int difference = Arrays.mismatch(chosen, wanted);
        return difference < 0 ? wanted.length : difference;
    }
}
