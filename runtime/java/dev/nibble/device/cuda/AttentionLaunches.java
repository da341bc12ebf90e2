package dev.nibble.device.cuda;

import dev.nibble.device.AttentionForm;
import dev.nibble.device.AttentionOperation;
import dev.nibble.device.Buffer;
import dev.nibble.device.KvLayout;
import dev.nibble.device.KvPages;
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

    /** What the parts of an attention over a tile leave. */
    static long partials(CudaTraits device, StepForm.Tile tile, int heads, int rows) {
        int sharing = heads / tile.kv().heads();
        AttentionShape cut = AttentionShape.of(device, tile.kv(), sharing, rows, tile.tokens());
        return partials(tileSplits(cut), rows, heads, tile.kv());
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
    public boolean attention(AttentionOperation.Attention o, Operation.@Nullable Quantize quantized) {
        Whole whole = new Whole(
                o.rows(), o.positions(), o.slots(), o.pageTable(), o.q(), o.cache(), o.form(), o.sinks(), o.out());
        KvLayout layout = o.cache().layout();
        AttentionShape cut = whole.cut(plan.device().traits());
        long bytes = partials(cut.splits(), o.rows().limit(), o.form().heads(), layout);
        Allocation partials = bytes == 0 ? null : plan.device().workspace().scratch(bytes);
        attend(whole, cut, cut.splits(), partials);
        int heads = o.form().heads();
        return partials != null
                && combine(o.rows(), heads, o.sinks(), o.out(), quantized, cut.splits(), layout, partials);
    }

    @Override
    public void tileAttention(AttentionOperation.TileAttention o) {
        Whole whole = new Whole(o.rows(), o.seen(), o.slots(), o.pageTable(), o.q(), o.tile(), o.form(), null, o.out());
        KvLayout layout = o.tile().layout();
        AttentionShape cut = whole.cut(plan.device().traits());
        int heads = o.form().heads();
        int splits = tileSplits(cut);
        Allocation partials =
                plan.device().workspace().scratch(partials(splits, o.rows().limit(), heads, layout));
        attend(whole, cut, splits, partials);
        plan.expand("carry_splits", null)
                .buffer(o.rows().live())
                .memory(partials)
                .integer(splits)
                .integer(layout.valueSize())
                .integer(o.first() ? 1 : 0)
                .buffer(o.sums())
                .buffer(o.out())
                .groups(heads, o.rows().limit(), plan.writers());
    }

    /** What tiles before gave is added to what the parts of a tile leave, which kernels do where there are several. */
    private static int tileSplits(AttentionShape cut) {
        return Math.max(2, cut.splits());
    }

    /** What an attention over whole keys has. */
    private record Whole(
            RowCount rows,
            Buffer positions,
            Buffer slots,
            Buffer pageTable,
            Buffer q,
            KvPages cache,
            AttentionForm form,
            @Nullable Buffer sinks,
            Buffer out) {
        AttentionShape cut(CudaTraits device) {
            KvLayout layout = cache.layout();
            long tokens = (long) pageTable.width() * layout.pageTokens();
            return AttentionShape.of(device, layout, sharing(), rows.limit(), tokens);
        }

        int sharing() {
            return form.heads() / cache.layout().heads();
        }
    }

    private void attend(Whole attention, AttentionShape cut, int splits, @Nullable Allocation partials) {
        KvLayout layout = attention.cache().layout();
        int sharing = attention.sharing();
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
                .integer(attention.form().heads())
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
                        splits,
                        (long) layout.heads() * Math.ceilDiv(sharing, cut.heads()),
                        Math.ceilDiv(attention.rows().limit(), cut.groups() * cut.rows()),
                        cut.threads(),
                        1);
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
