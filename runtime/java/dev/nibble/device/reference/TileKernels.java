package dev.nibble.device.reference;

import dev.nibble.device.AttentionOperation.TileAttention;
import org.jspecify.annotations.Nullable;

/** Attention over one tile of tokens after another. */
final class TileKernels {
    private TileKernels() {}

    /**
     * What was found so far of a head of a row, or in one tile.
     *
     * @param most the largest score
     * @param total the sum of the exponentials of scores less the largest
     * @param values the weighted mean of the values
     */
    private record Found(double most, double total, double[] values) {
        /** The same over the tokens of both. */
        Found with(Found other) {
            double now = Math.max(most, other.most);
            double own = total == 0 ? 0 : total * Math.exp(most - now);
            double others = other.total == 0 ? 0 : other.total * Math.exp(other.most - now);
            double[] mean = new double[values.length];
            for (int i = 0; i < mean.length && own + others > 0; i++) {
                mean[i] = (values[i] * own + other.values[i] * others) / (own + others);
            }
            return new Found(now, own + others, mean);
        }
    }

    static void attention(TileAttention attention, Rows rows) {
        ReferenceKvPages tile = (ReferenceKvPages) attention.tile();
        int heads = attention.form().heads();
        Object queries = AttentionKernels.queries(attention.q(), tile, rows);
        for (int row = 0; row < rows.count(); row++) {
            boolean none = ReferenceBuffer.ints(attention.seen())[row] == -1;
            Rows.@Nullable Pages pages =
                    none ? null : rows.pages(row, attention.seen(), attention.slots(), attention.pageTable(), tile);
            for (int head = 0; head < heads; head++) {
                Found before = attention.first() ? nothing(attention) : before(attention, row * heads + head);
                Found here = pages == null ? nothing(attention) : inTile(attention, pages, queries, row, head);
                write(attention, row * heads + head, before.with(here));
            }
        }
    }

    private static Found nothing(TileAttention attention) {
        return new Found(
                -Float.MAX_VALUE, 0, new double[attention.tile().layout().valueSize()]);
    }

    private static Found before(TileAttention attention, int query) {
        float[] sums = ReferenceBuffer.floats(attention.sums());
        float[] out = ReferenceBuffer.floats(attention.out());
        double[] values = new double[attention.tile().layout().valueSize()];
        for (int i = 0; i < values.length; i++) {
            values[i] = out[query * values.length + i];
        }
        return new Found(sums[2 * query], sums[2 * query + 1], values);
    }

    private static Found inTile(TileAttention attention, Rows.Pages pages, Object queries, int row, int head) {
        int keySize = attention.tile().layout().keySize();
        int heads = attention.form().heads();
        int kvHead = head / (heads / attention.tile().layout().heads());
        float[] key = new float[keySize];
        double[] weights = new double[pages.position() + 1];
        double most = Double.NEGATIVE_INFINITY;
        for (int i = 0; i < weights.length; i++) {
            pages.cache().key(pages.page(i), pages.token(i), kvHead, key);
            weights[i] = MatmulKernels.dot(key, queries, (row * heads + head) * keySize)
                    * attention.form().scale();
            most = Math.max(most, weights[i]);
        }
        double total = 0;
        for (int i = 0; i < weights.length; i++) {
            weights[i] = Math.exp(weights[i] - most);
            total += weights[i];
        }
        double[] values = AttentionKernels.values(pages, 0, kvHead, weights);
        for (int i = 0; i < values.length; i++) {
            values[i] /= total;
        }
        return new Found(most, total, values);
    }

    private static void write(TileAttention attention, int query, Found found) {
        float[] sums = ReferenceBuffer.floats(attention.sums());
        sums[2 * query] = (float) found.most;
        sums[2 * query + 1] = (float) found.total;
        float[] out = ReferenceBuffer.floats(attention.out());
        for (int i = 0; i < found.values.length; i++) {
            out[query * found.values.length + i] = (float) found.values[i];
        }
    }
}
