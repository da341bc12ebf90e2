package dev.nibble.device.cpu;

import dev.nibble.device.AttentionForm;
import dev.nibble.device.KvType;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * The queries of an attention on their way to the keys.
 *
 * @param q (n, heads × keySize), or what meets the latent vectors
 * @param turned (n, heads × turned values), what meets the turned values of keys with latent vectors; or none
 * @param sharing query heads that are worked on together
 */
record AttentionQueries(
        CpuKvPages cache,
        AttentionForm form,
        CpuBuffer q,
        @Nullable CpuBuffer turned,
        int sharing,
        @Nullable NativeKernels kernels) {
    /** Loads the queries of a block's rows that share a KV head, times the scale. */
    void load(AttentionPlan plan, int block, int head, AttentionWorkspace.Scratch scratch) {
        int keySize = cache.keySize();
        float factor = cache.halfKeys() ? form.scale() * AttentionKernel.HALF_FACTOR : form.scale();
        MemorySegment source = turned == null ? q.segment() : scratch.group;
        int query = 0;
        for (int row = plan.firstRow(block); row < plan.endRow(block); row++) {
            for (int i = head * sharing; i < (head + 1) * sharing; i++, query++) {
                long at = turned == null ? row * q.rowBytes() + (long) i * keySize * Float.BYTES : 0;
                if (turned != null) {
                    LatentValues.join(q, turned, row, i, form.heads(), scratch.group);
                }
                if (cache.layout().keyType().isQuantized()) {
                    quantizeQuery(source, at, query, scratch);
                    continue;
                }
                for (int value = 0; value < keySize; value++) {
                    scratch.q[scratch.queryAt(query, value)] = Rows.get(source, at + value * 4L) * factor;
                }
            }
        }
    }

    private void quantizeQuery(MemorySegment source, long at, int query, AttentionWorkspace.Scratch scratch) {
        int size = cache.keySize();
        if (kernels != null) {
            int bits = cache.layout().keyType().bits();
            kernels.quantizeQuery(bits, source.asSlice(at), form.scale(), scratch.byteQueries, query);
            return;
        }
        for (int value = 0; value < size; value += KvType.BLOCK) {
            float scale = QuantizedProduct.quantize(source, at + value * 4L, scratch.q, query * size + value);
            scratch.queryScales[scratch.scaleAt(query, value)] = scale * form.scale();
        }
    }
}
