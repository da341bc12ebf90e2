package dev.nibble.device.reference;

import dev.nibble.device.AttentionOperation.LatentAttention;
import dev.nibble.device.AttentionOperation.ReadLatent;
import dev.nibble.device.Buffer;
import dev.nibble.device.KvLayout;
import dev.nibble.device.Operation.JoinHeads;

/** Attention over latent vectors, and what makes whole keys of them. */
final class LatentKernels {
    private LatentKernels() {}

    static void attention(LatentAttention attention, Rows rows) {
        ReferenceKvPages cache = (ReferenceKvPages) attention.cache();
        int heads = attention.form().heads();
        Object q = AttentionKernels.queries(attention.q(), cache, rows);
        Object turned = AttentionKernels.queries(attention.turned(), cache, rows);
        for (int row = 0; row < rows.count(); row++) {
            Rows.Pages pages = rows.pages(row, attention.positions(), attention.slots(), attention.pageTable(), cache);
            for (int head = 0; head < heads; head++) {
                double[] weights = weights(attention, pages, q, turned, row * heads + head);
                write(attention.out(), row * heads + head, AttentionKernels.values(pages, 0, 0, weights), weights);
            }
        }
    }

    /** The exponentials of one head's scores, less the largest. */
    private static double[] weights(LatentAttention attention, Rows.Pages pages, Object q, Object turned, int query) {
        KvLayout layout = attention.cache().layout();
        float[] latent = new float[layout.valueSize()];
        float[] key = new float[layout.keySize()];
        double[] weights = new double[pages.position() + 1];
        double most = Double.NEGATIVE_INFINITY;
        for (int i = 0; i < weights.length; i++) {
            pages.cache().value(pages.page(i), pages.token(i), 0, latent);
            pages.cache().key(pages.page(i), pages.token(i), 0, key);
            double product = MatmulKernels.dot(latent, q, query * latent.length)
                    + MatmulKernels.dot(key, turned, query * key.length);
            weights[i] = product * attention.form().scale();
            most = Math.max(most, weights[i]);
        }
        for (int i = 0; i < weights.length; i++) {
            weights[i] = Math.exp(weights[i] - most);
        }
        return weights;
    }

    private static void write(Buffer out, int query, double[] values, double[] weights) {
        double sum = 0;
        for (double weight : weights) {
            sum += weight;
        }
        float[] target = ReferenceBuffer.floats(out);
        for (int i = 0; i < values.length; i++) {
            target[query * values.length + i] = (float) (values[i] / sum);
        }
    }

    static void read(ReadLatent read, Rows rows) {
        ReferenceKvPages cache = (ReferenceKvPages) read.cache();
        KvLayout layout = cache.layout();
        int pageTokens = layout.pageTokens();
        int slot = rows.index(0, read.from(), 0, "slot", read.pageTable().rows());
        int first = ReferenceBuffer.ints(read.from())[1];
        float[] key = new float[layout.keySize()];
        float[] latent = new float[layout.valueSize()];
        for (int row = 0; row < rows.count(); row++) {
            int position = first + row;
            int entry = slot * read.pageTable().width() + position / pageTokens;
            int page = rows.index(row, read.pageTable(), entry, "position " + position + ": page", cache.pages());
            cache.key(page, position % pageTokens, 0, key);
            cache.value(page, position % pageTokens, 0, latent);
            System.arraycopy(key, 0, ReferenceBuffer.floats(read.turned()), row * key.length, key.length);
            System.arraycopy(latent, 0, ReferenceBuffer.floats(read.latent()), row * latent.length, latent.length);
        }
    }

    static void join(JoinHeads join, Rows rows) {
        float[] first = ReferenceBuffer.floats(join.first());
        float[] second = ReferenceBuffer.floats(join.second());
        float[] out = ReferenceBuffer.floats(join.out());
        int a = join.firstSize();
        int b = join.secondSize();
        for (int head = 0; head < rows.count() * join.heads(); head++) {
            System.arraycopy(first, head * a, out, head * (a + b), a);
            System.arraycopy(second, (join.shared() ? head / join.heads() : head) * b, out, head * (a + b) + a, b);
        }
    }
}
