package dev.nibble.device.cuda;

import dev.nibble.device.AttentionOperation;
import dev.nibble.device.Buffer;
import dev.nibble.device.KvLayout;
import dev.nibble.device.Operation;
import dev.nibble.device.RowCount;
import dev.nibble.device.StepForm;
import dev.nibble.device.kernel.Allocation;
import dev.nibble.device.kernel.KernelBuffer;
import dev.nibble.device.kernel.LaunchPlanner;
import org.jspecify.annotations.Nullable;

/** The launches that attend to the KV cache: {@code attention.cu}, {@code flash.cu} and their kin for latent vectors. */
final class AttentionLaunches implements LaunchPlanner.Attention {
    private final CudaPlan plan;

    AttentionLaunches(CudaPlan plan) {
        this.plan = plan;
    }

    /** What the parts of an attention of so many rows leave to be combined; 0 if there is one part. */
    static long partials(CudaTraits device, StepForm form, int rows) {
        KvLayout layout = form.kv();
        int splits = layout.latent()
                ? LatentShape.of(device, layout, form.heads(), rows, form.tokens())
                        .splits()
                : AttentionShape.of(device, layout, form.heads() / layout.heads(), rows, form.tokens())
                        .splits();
        return partials(splits, rows, form.heads(), layout);
    }

    private static long partials(int splits, int rows, int heads, KvLayout layout) {
        return splits == 1 ? 0 : (long) rows * heads * splits * (layout.valueSize() + 2) * Float.BYTES;
    }

    @Override
    public boolean latentAttention(
            AttentionOperation.LatentAttention attention, Operation.@Nullable Quantize quantized) {
        KvLayout layout = attention.cache().layout();
        int limit = attention.rows().limit();
        int heads = attention.form().heads();
        long tokens = (long) attention.pageTable().width() * layout.pageTokens();
        LatentShape cut = LatentShape.of(plan.device().traits(), layout, heads, limit, tokens);
        LatentShape.Kernel kernel = cut.kernel();
        long bytes = partials(cut.splits(), limit, heads, layout);
        Allocation partials = bytes == 0 ? null : plan.device().workspace().scratch(bytes);
        plan.kernel(kernel.module(layout), kernel.name(layout))
                .buffer(attention.rows().live())
                .buffer(attention.positions())
                .buffer(attention.slots())
                .buffer(attention.pageTable())
                .integer(attention.pageTable().width())
                .buffer(attention.q())
                .buffer(attention.turned())
                .pages(attention.cache())
                .integer(layout.keySize())
                .integer(layout.valueSize())
                .integer(heads)
                .real(attention.form().scale())
                .buffer(attention.out())
                .memory(partials)
                .sharedMemory(cut.sharedBytes())
                .grid(cut.splits(), Math.ceilDiv(heads, kernel.heads()), limit, kernel.threads(), 1);
        return partials != null
                && combine(attention.rows(), heads, null, attention.out(), quantized, cut.splits(), layout, partials);
    }

    @Override
    public boolean attention(AttentionOperation.Attention attention, Operation.@Nullable Quantize quantized) {
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
        long bytes = partials(cut.splits(), limit, heads, layout);
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
        return partials != null
                && combine(
                        attention.rows(),
                        heads,
                        attention.sinks(),
                        attention.out(),
                        quantized,
                        cut.splits(),
                        layout,
                        partials);
    }

    /** Puts the parts together; returns whether that quantizes, which warps do that have a block each. */
    private boolean combine(
            RowCount rows,
            int heads,
            @Nullable Buffer sinks,
            Buffer out,
            Operation.@Nullable Quantize quantize,
            int splits,
            KvLayout layout,
            Allocation partials) {
        boolean quantizes = quantize != null && layout.valueSize() % KernelBuffer.BLOCK == 0;
        plan.kernel("splits", "combine_splits")
                .buffer(rows.live())
                .memory(partials)
                .integer(splits)
                .integer(heads)
                .integer(layout.valueSize())
                .buffer(sinks)
                .buffer(out)
                .quantized(quantizes ? quantize.out() : null)
                .grid(heads, rows.limit(), 1, AttentionShape.THREADS, 1);
        return quantizes;
    }
}
