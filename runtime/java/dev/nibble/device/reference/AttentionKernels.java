package dev.nibble.device.reference;

import dev.nibble.device.AttentionForm;
import dev.nibble.device.AttentionOperation.Attention;
import dev.nibble.device.AttentionOperation.WriteKv;
import dev.nibble.device.Buffer;
import dev.nibble.device.KvLayout;
import java.util.HashMap;
import java.util.Map;

/** The KV cache written and attended to. */
final class AttentionKernels {
    private AttentionKernels() {}

    static void writeKv(WriteKv write, Rows rows) {
        float[] k = ReferenceBuffer.floats(write.k());
        float[] v = ReferenceBuffer.floats(write.v());
        ReferenceKvPages cache = (ReferenceKvPages) write.cache();
        Map<Long, Integer> written = new HashMap<>();
        for (int row = 0; row < rows.count(); row++) {
            Rows.Pages pages = rows.pages(row, write.positions(), write.slots(), write.pageTable(), cache);
            int page = pages.page(pages.position());
            int token = pages.token(pages.position());
            Integer other = written.put((long) page * cache.layout().pageTokens() + token, row);
            if (other != null) {
                throw rows.wrong(row, "writes token " + token + " of page " + page + ", as row " + other + " does");
            }
            cache.write(page, token, row, k, v);
        }
    }

    static void attention(Attention attention, Rows rows) {
        ReferenceKvPages cache = (ReferenceKvPages) attention.cache();
        int heads = attention.form().heads();
        Object queries = queries(attention.q(), cache, rows);
        for (int row = 0; row < rows.count(); row++) {
            Rows.Pages pages = rows.pages(row, attention.positions(), attention.slots(), attention.pageTable(), cache);
            for (int head = 0; head < heads; head++) {
                head(attention, pages, queries, row, head);
            }
        }
    }

    /** The queries: float[], or {@link Quants} against keys of a quantized type. */
    static Object queries(Buffer buffer, ReferenceKvPages cache, Rows rows) {
        float[] q = ReferenceBuffer.floats(buffer);
        if (!cache.layout().keyType().isQuantized() || cache.device().exactActivations()) {
            return q;
        }
        int count = rows.count() * buffer.width();
        Quants quants = new Quants(new byte[count], new float[count / Quants.BLOCK]);
        for (int at = 0; at < count; at += Quants.BLOCK) {
            quants.quantize(q, at);
        }
        return quants;
    }

    /** One row, one query head: all scores, their softmax, then the weighted sum of values. */
    private static void head(Attention attention, Rows.Pages pages, Object queries, int row, int head) {
        KvLayout layout = attention.cache().layout();
        AttentionForm form = attention.form();
        int kvHead = head / (form.heads() / layout.heads());
        int first = form.window() == 0 ? 0 : Math.max(0, pages.position() - form.window() + 1);
        double[] weights = new double[pages.position() + 1 - first];
        double most = Double.NEGATIVE_INFINITY;
        float[] key = new float[layout.keySize()];
        for (int i = 0; i < weights.length; i++) {
            pages.cache().key(pages.page(first + i), pages.token(first + i), kvHead, key);
            weights[i] = score(form, queries, (row * form.heads() + head) * layout.keySize(), key);
            most = Math.max(most, weights[i]);
        }
        double sum = 0;
        if (attention.sinks() != null) {
            double sink = ReferenceBuffer.floats(attention.sinks())[head];
            most = Math.max(most, sink);
            sum = Math.exp(sink - most);
        }
        for (int i = 0; i < weights.length; i++) {
            weights[i] = Math.exp(weights[i] - most);
            sum += weights[i];
        }
        double[] out = values(pages, first, kvHead, weights);
        float[] target = ReferenceBuffer.floats(attention.out());
        for (int i = 0; i < out.length; i++) {
            target[(row * form.heads() + head) * out.length + i] = (float) (out[i] / sum);
        }
    }

    private static double score(AttentionForm form, Object queries, int at, float[] key) {
        double score = MatmulKernels.dot(key, queries, at) * form.scale();
        return form.softcap() == 0 ? score : form.softcap() * Math.tanh(score / form.softcap());
    }

    static double[] values(Rows.Pages pages, int first, int kvHead, double[] weights) {
        float[] value = new float[pages.cache().layout().valueSize()];
        double[] sum = new double[value.length];
        for (int i = 0; i < weights.length; i++) {
            pages.cache().value(pages.page(first + i), pages.token(first + i), kvHead, value);
            for (int j = 0; j < value.length; j++) {
                sum[j] += weights[i] * value[j];
            }
        }
        return sum;
    }
}
