package dev.nibble.device.opencl;

import dev.nibble.device.KvLayout;
import dev.nibble.device.Operation;

/** The launches that write the KV cache and attend to it: {@code kv.cl} and {@code attention.cl}. */
final class AttentionLaunches {
    /** Values that a work-item of a GPU writes where none share a scale. */
    private static final int FEW_VALUES = 4;

    private final LaunchPlanner planner;
    private final RowShape shape;

    AttentionLaunches(LaunchPlanner planner) {
        this.planner = planner;
        this.shape = RowShape.of(planner.device().traits());
    }

    void writeKv(Operation.WriteKv write) {
        OpenClKvPages cache = (OpenClKvPages) write.cache();
        KvLayout layout = cache.layout();
        boolean blocks = layout.keyType().isQuantized() || layout.valueType().isQuantized();
        int unit = blocks || shape.lanes() == 1 ? OpenClBuffer.BLOCK : FEW_VALUES;
        int units = Math.ceilDiv(layout.keySize(), unit) + Math.ceilDiv(layout.valueSize(), unit);
        planner.add(planner.kernel("kv", OpenClKvPages.options(layout) + " -DUNIT=" + unit, "write_kv")
                .buffer(write.rows().live())
                .buffer(write.positions())
                .buffer(write.slots())
                .buffer(write.pageTable())
                .integer(write.pageTable().width())
                .buffer(write.k())
                .buffer(write.v())
                .integer(layout.heads())
                .memory(cache.keys())
                .memory(cache.values())
                .integer(cache.pages())
                .integer(layout.pageTokens())
                .integer(cache.stride())
                .groups(
                        Math.ceilDiv(layout.heads() * units, shape.lanes()),
                        write.rows().limit(),
                        shape.lanes()));
    }

    void attention(Operation.Attention attention) {
        OpenClKvPages cache = (OpenClKvPages) attention.cache();
        KvLayout layout = cache.layout();
        int limit = attention.rows().limit();
        int heads = attention.form().heads();
        AttentionShape cut = AttentionShape.of(
                planner.device().traits(),
                layout,
                heads / layout.heads(),
                limit,
                (long) attention.pageTable().width() * layout.pageTokens());
        OpenClAllocation partials = cut.splits() == 1
                ? null
                : planner.device()
                        .scratch((long) limit * heads * cut.splits() * (layout.valueSize() + 2) * Float.BYTES);
        planner.add(planner.kernel("attention", cut.options(layout), "attention")
                .buffer(attention.rows().live())
                .buffer(attention.positions())
                .buffer(attention.slots())
                .buffer(attention.pageTable())
                .integer(attention.pageTable().width())
                .buffer(attention.q())
                .memory(cache.keys())
                .memory(cache.values())
                .integer(cache.pages())
                .integer(layout.pageTokens())
                .integer(cache.stride())
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
                .groups(
                        cut.splits(),
                        heads / cut.heads(),
                        Math.ceilDiv(limit, cut.queries() / cut.heads()),
                        cut.lanes()));
        if (partials != null) {
            combine(attention, cut, layout, partials);
        }
    }

    private void combine(
            Operation.Attention attention, AttentionShape cut, KvLayout layout, OpenClAllocation partials) {
        int heads = attention.form().heads();
        planner.add(planner.kernel("attention", cut.options(layout), "combine_splits")
                .buffer(attention.rows().live())
                .memory(partials)
                .integer(cut.splits())
                .integer(heads)
                .buffer(attention.sinks())
                .buffer(attention.out())
                .groups(heads, attention.rows().limit(), cut.lanes()));
    }
}
