package dev.nibble.device;

import dev.nibble.device.TextbookDevice.Cache;
import java.util.Arrays;
import java.util.stream.IntStream;

/** Latent vectors read back, and attention over tiles of tokens, by their formulas. */
record TextbookTiles(int n, boolean exact) {
    void readLatent(AttentionOperation.ReadLatent o) {
        Cache cache = (Cache) o.cache();
        int slot = (int) Textbook.values(o.from())[0][0];
        int first = (int) Textbook.values(o.from())[0][1];
        for (int row = 0; row < n; row++) {
            int place = Textbook.place(cache.layout(), o.pageTable(), slot, first + row);
            Textbook.values(o.turned())[row] = cache.keys().get(place).clone();
            Textbook.values(o.latent())[row] = cache.values().get(place).clone();
        }
    }

    static double[] join(Operation.JoinHeads o, int row) {
        int size = o.out().width() / o.heads();
        double[] first = Textbook.values(o.first())[row];
        double[] second = Textbook.values(o.second())[row];
        return IntStream.range(0, o.out().width())
                .mapToDouble(i -> i % size < o.firstSize()
                        ? first[i / size * o.firstSize() + i % size]
                        : second[(i / size * o.secondSize() + i % size - o.firstSize()) % second.length])
                .toArray();
    }

    /** The logarithm of the sum of all exponentials so far says how much of the mean is of this tile. */
    void attention(AttentionOperation.TileAttention o) {
        int size = o.tile().layout().valueSize();
        for (int row = 0; row < n; row++) {
            double[] out = Textbook.values(o.out())[row];
            double[] sums = Textbook.values(o.sums())[row];
            int last = Textbook.integer(o.seen(), row);
            for (int head = 0; head < o.form().heads(); head++) {
                double before = o.first() ? Double.NEGATIVE_INFINITY : sums[2 * head];
                double[] scores = scores(o, row, head, last);
                double all = logSum(before, scores);
                double kept = before == Double.NEGATIVE_INFINITY ? 0 : Math.exp(before - all);
                for (int i = 0; i < size; i++) {
                    double sum = kept == 0 ? 0 : kept * out[head * size + i];
                    for (int token = 0; token < scores.length; token++) {
                        sum += Math.exp(scores[token] - all) * value(o, row, head, token)[i];
                    }
                    out[head * size + i] = (float) sum;
                }
                sums[2 * head] = all;
            }
        }
    }

    private static double logSum(double before, double[] scores) {
        double most = Math.max(before, Arrays.stream(scores).max().orElse(before));
        if (most == Double.NEGATIVE_INFINITY) {
            return most;
        }
        return most
                + Math.log(Math.exp(before - most)
                        + Arrays.stream(scores).map(x -> Math.exp(x - most)).sum());
    }

    private double[] scores(AttentionOperation.TileAttention o, int row, int head, int last) {
        KvLayout layout = o.tile().layout();
        int size = layout.keySize();
        double[] q = Arrays.copyOfRange(Textbook.values(o.q())[row], head * size, (head + 1) * size);
        double[] query = layout.keyType().isQuantized() && !exact ? Textbook.int8(q) : q;
        int shared = head * layout.heads() / o.form().heads();
        return IntStream.rangeClosed(0, last)
                .mapToDouble(token -> {
                    double[] keys = ((Cache) o.tile()).keys().get(place(o, row, token));
                    double[] key = Arrays.copyOfRange(keys, shared * size, (shared + 1) * size);
                    return Textbook.dot(query, key) * o.form().scale();
                })
                .toArray();
    }

    private static double[] value(AttentionOperation.TileAttention o, int row, int head, int token) {
        KvLayout layout = o.tile().layout();
        int shared = head * layout.heads() / o.form().heads();
        double[] values = ((Cache) o.tile()).values().get(place(o, row, token));
        return Arrays.copyOfRange(values, shared * layout.valueSize(), (shared + 1) * layout.valueSize());
    }

    private static int place(AttentionOperation.TileAttention o, int row, int token) {
        return Textbook.place(o.tile().layout(), o.pageTable(), Textbook.integer(o.slots(), row), token);
    }
}
