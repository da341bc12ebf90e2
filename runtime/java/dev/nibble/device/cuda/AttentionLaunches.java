package dev.nibble.device.cuda;

import dev.nibble.UnsupportedFeatureException;
import dev.nibble.device.KvLayout;
import dev.nibble.device.Operation;
import dev.nibble.device.StepForm;
import dev.nibble.device.kernel.Allocation;
import dev.nibble.device.kernel.LaunchPlanner;

/** The launches that attend to the KV cache: {@code attention.cu}. */
final class AttentionLaunches implements LaunchPlanner.Attention {
    private final CudaPlan plan;

    AttentionLaunches(CudaPlan plan) {
        this.plan = plan;
    }

    /** What the parts of an attention of so many rows leave to be combined; 0 if there is one part. */
    static long partials(CudaTraits device, StepForm form, int rows) {
        int sharing = form.heads() / form.kv().heads();
        AttentionShape cut = AttentionShape.of(device, form.kv(), sharing, rows, form.tokens());
        return partials(cut, rows, form.heads(), form.kv());
    }

    private static long partials(AttentionShape cut, int rows, int heads, KvLayout layout) {
        return cut.splits() == 1 ? 0 : (long) rows * heads * cut.splits() * (layout.valueSize() + 2) * Float.BYTES;
    }

    @Override
    public void latentAttention(Operation.LatentAttention attention) {
        // Refused when its cache was to be allocated.
        throw new UnsupportedFeatureException("device " + plan.device().name()
                + " has no attention over latent vectors; use the device cpu or opencl");
    }

    @Override
    public void attention(Operation.Attention attention) {
        KvLayout layout = attention.cache().layout();
        int limit = attention.rows().limit();
        int heads = attention.form().heads();
        int sharing = heads / layout.heads();
        AttentionShape cut = AttentionShape.of(
                plan.device().traits(),
                layout,
                sharing,
                limit,
                (long) attention.pageTable().width() * layout.pageTokens());
        long bytes = partials(cut, limit, heads, layout);
        Allocation partials = bytes == 0 ? null : plan.device().workspace().scratch(bytes);
        plan.kernel(cut.module(), cut.kernel())
                .buffer(attention.rows().live())
                .buffer(attention.positions())
                .buffer(attention.slots())
                .buffer(attention.pageTable())
                .integer(attention.pageTable().width())
                .buffer(attention.q())
                .pages(attention.cache())
                .integer(layout.keySize())
                .integer(layout.valueSize())
                .integer(heads)
                .integer(sharing)
                .integer(cut.heads())
                .integer(cut.rows())
                .integer(cut.groups())
                .real(attention.form().scale())
                .integer(attention.form().window())
                .real(attention.form().softcap())
                .buffer(attention.sinks())
                .buffer(attention.out())
                .memory(partials)
                .sharedMemory(cut.sharedBytes())
                .grid(
                        cut.splits(),
                        (long) layout.heads() * Math.ceilDiv(sharing, cut.heads()),
                        Math.ceilDiv(limit, cut.groups() * cut.rows()),
                        cut.threads(),
                        1);
        if (partials != null) {
            combine(attention, cut, layout, partials);
        }
    }

    private void combine(Operation.Attention attention, AttentionShape cut, KvLayout layout, Allocation partials) {
        String types = AttentionShape.types(layout);
        plan.kernel("attention_" + types, "combine_splits_" + types)
                .buffer(attention.rows().live())
                .memory(partials)
                .integer(cut.splits())
                .integer(attention.form().heads())
                .integer(layout.valueSize())
                .buffer(attention.sinks())
                .buffer(attention.out())
                .grid(attention.form().heads(), attention.rows().limit(), 1, AttentionShape.THREADS, 1);
    }
}
