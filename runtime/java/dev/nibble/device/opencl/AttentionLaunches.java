package dev.nibble.device.opencl;

import dev.nibble.device.KvLayout;
import dev.nibble.device.Operation;
import dev.nibble.device.RopeStyle;

/** The launches that write the KV cache and attend to it: {@code kv.cl} and {@code attention.cl}. */
final class AttentionLaunches {
    /** Work-items of a GPU that share a head when it is written. */
    private static final int WRITERS = 64;

    private final LaunchPlanner planner;
    private final int lanes;
    private final int vector;

    AttentionLaunches(LaunchPlanner planner) {
        this.planner = planner;
        RowShape shape = RowShape.of(planner.device().traits());
        this.lanes = Math.min(WRITERS, shape.lanes());
        this.vector = shape.vector();
    }

    void writeKv(Operation.WriteKv write) {
        OpenClKvPages cache = (OpenClKvPages) write.cache();
        KvLayout layout = cache.layout();
        LaunchBuilder kernel = place(write, writer("write_kv", layout))
                .buffer(write.k())
                .buffer(write.v())
                .integer(layout.keySize())
                .integer(layout.valueSize());
        planner.add(pages(cache, kernel).groups(layout.heads(), write.rows().limit(), lanes));
    }

    /** Everything between the products that make queries, keys and values, and the attention. */
    void turnAndWrite(TurnedHeads heads) {
        Operation.WriteKv write = heads.write();
        OpenClKvPages cache = (OpenClKvPages) write.cache();
        KvLayout layout = cache.layout();
        Operation.Rope rope = heads.query();
        Operation.Norm queryNorm = heads.queryNorm();
        Operation.Norm keyNorm = heads.keyNorm();
        int queryHeads = rope.x().width() / rope.headSize();
        LaunchBuilder kernel = place(write, writer("turn_and_write", layout))
                .buffer(rope.x())
                .buffer(queryNorm == null ? null : queryNorm.weight())
                .buffer(write.k())
                .buffer(keyNorm == null ? null : keyNorm.weight())
                .real(queryNorm == null ? 0 : queryNorm.epsilon())
                .integer(rope.style() == RopeStyle.INTERLEAVED ? 1 : 0)
                .buffer(rope.frequencies())
                .integer(rope.frequencies().width())
                .real(rope.magnitude())
                .buffer(write.v())
                .integer(queryHeads)
                .integer(layout.heads())
                .integer(layout.keySize())
                .integer(layout.valueSize());
        planner.add(pages(cache, kernel)
                .groups(queryHeads + layout.heads(), write.rows().limit(), lanes));
    }

    private LaunchBuilder writer(String name, KvLayout layout) {
        boolean blocks = layout.keyType().isQuantized() || layout.valueType().isQuantized();
        int unit = blocks || lanes == 1 ? OpenClBuffer.BLOCK : 1;
        return planner.kernel(
                "kv",
                OpenClKvPages.options(layout) + " -DUNIT=" + unit + " -DLANES=" + lanes + " -DVECTOR=" + vector,
                name);
    }

    private static LaunchBuilder place(Operation.WriteKv write, LaunchBuilder kernel) {
        return kernel.buffer(write.rows().live())
                .buffer(write.positions())
                .buffer(write.slots())
                .buffer(write.pageTable())
                .integer(write.pageTable().width());
    }

    private static LaunchBuilder pages(OpenClKvPages cache, LaunchBuilder kernel) {
        return kernel.memory(cache.keys())
                .memory(cache.values())
                .integer(cache.pages())
                .integer(cache.layout().pageTokens())
                .integer(cache.stride());
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
                .box(cut.splits(), heads / cut.heads(), Math.ceilDiv(limit, cut.queries() / cut.heads()), cut.lanes()));
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
