package dev.nibble.device.reference;

import dev.nibble.device.AttentionOperation.LatentAttention;
import dev.nibble.device.Buffer;
import dev.nibble.device.KvLayout;

/** Attention over latent vectors. */
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
}
