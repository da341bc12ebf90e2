package dev.nibble.device.opencl;

import dev.nibble.device.AttentionForm;
import dev.nibble.device.AttentionOperation;
import dev.nibble.device.Buffer;
import dev.nibble.device.KvLayout;
import dev.nibble.device.Operation;
import dev.nibble.device.RowCount;
import dev.nibble.device.kernel.Allocation;
import dev.nibble.device.kernel.LaunchPlanner;
import org.jspecify.annotations.Nullable;

/** The launches that attend to the KV cache: {@code attention.cl}. */
final class AttentionLaunches implements LaunchPlanner.Attention {
    private final OpenClPlan plan;

    AttentionLaunches(OpenClPlan plan) {
        this.plan = plan;
    }

    /** What both operations have. */
    private record Input(
            RowCount rows,
            Buffer positions,
            Buffer slots,
            Buffer pageTable,
            OpenClKvPages cache,
            AttentionForm form,
            Buffer q,
            @Nullable Buffer latentQ,
            @Nullable Buffer sinks,
            Buffer out,
            AttentionOperation.@Nullable TileAttention tile) {}

    @Override
    public boolean attention(AttentionOperation.Attention o, Operation.@Nullable Quantize quantized) {
        attend(new Input(
                o.rows(),
                o.positions(),
                o.slots(),
                o.pageTable(),
                (OpenClKvPages) o.cache(),
                o.form(),
                o.q(),
                null,
                o.sinks(),
                o.out(),
                null));
        return false;
    }

    @Override
    public boolean latentAttention(AttentionOperation.LatentAttention o, Operation.@Nullable Quantize quantized) {
        attend(new Input(
                o.rows(),
                o.positions(),
                o.slots(),
                o.pageTable(),
                (OpenClKvPages) o.cache(),
                o.form(),
                o.turned(),
                o.q(),
                null,
                o.out(),
                null));
        return false;
    }

    @Override
    public void tileAttention(AttentionOperation.TileAttention o) {
        attend(new Input(
                o.rows(),
                o.seen(),
                o.slots(),
                o.pageTable(),
                (OpenClKvPages) o.tile(),
                o.form(),
                o.q(),
                null,
                null,
                o.out(),
                o));
    }

    private void attend(Input attention) {
        OpenClKvPages cache = attention.cache();
        KvLayout layout = cache.layout();
        int limit = attention.rows().limit();
        int heads = attention.form().heads();
        AttentionShape cut = AttentionShape.of(
                plan.device().traits(),
                layout,
                heads / layout.heads(),
                limit,
                (long) attention.pageTable().width() * layout.pageTokens());
        long bytes = Workspace.partials(cut, limit, heads, layout, attention.tile() != null);
        Allocation partials = bytes == 0 ? null : plan.device().workspace().scratch(bytes);
        plan.kernel("attention", cut.options(layout), "attention")
                .buffer(attention.rows().live())
                .buffer(attention.positions())
                .buffer(attention.slots())
                .buffer(attention.pageTable())
                .integer(attention.pageTable().width())
                .buffer(attention.q())
                .buffer(attention.latentQ())
                .pages(cache)
                .integer(cut.tokens(cache.stride()))
                .integer(heads)
                .integer(layout.heads())
                .integer(cut.heads())
                .real(attention.form().scale())
                .integer(attention.form().window())
                .real(attention.form().softcap())
                .buffer(attention.sinks())
                .buffer(attention.out())
                .memory(partials)
                .box(cut.splits(), heads / cut.heads(), Math.ceilDiv(limit, cut.queries() / cut.heads()), cut.lanes());
        if (attention.tile() != null && partials != null) {
            carry(attention.tile(), cut.splits(), partials);
        } else if (partials != null) {
            combine(attention, cut, layout, partials);
        }
    }

    private void combine(Input attention, AttentionShape cut, KvLayout layout, Allocation partials) {
        int heads = attention.form().heads();
        plan.kernel("attention", cut.options(layout), "combine_splits")
                .buffer(attention.rows().live())
                .memory(partials)
                .integer(cut.splits())
                .integer(heads)
                .buffer(attention.sinks())
                .buffer(attention.out())
                .groups(heads, attention.rows().limit(), cut.lanes());
    }

    private void carry(AttentionOperation.TileAttention tile, int splits, Allocation partials) {
        plan.expand("carry_splits", null)
                .buffer(tile.rows().live())
                .memory(partials)
                .integer(splits)
                .integer(tile.tile().layout().valueSize())
                .integer(tile.first() ? 1 : 0)
                .buffer(tile.sums())
                .buffer(tile.out())
                .groups(tile.form().heads(), tile.rows().limit(), plan.writers());
    }
}
