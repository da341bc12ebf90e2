package dev.nibble.device.cpu;

import dev.nibble.device.AttentionForm;
import dev.nibble.device.AttentionOperation;
import dev.nibble.device.Buffer;
import dev.nibble.device.RowCount;
import dev.nibble.device.cpu.AttentionWorkspace.Scratch;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.jspecify.annotations.Nullable;

/**
 * {@link AttentionOperation.Attention}, {@link AttentionOperation.TileAttention} and
 * {@link AttentionOperation.LatentAttention}: streams over the keys and values of each block of rows, tile by tile, with all query heads of a
 * KV head together, so that each is read once.
 */
final class AttentionKernel implements Kernel, WorkerPool.Task {
    /** Up to so many queries 16-bit keys and values are widened on the way; for more, once per tile into scratch memory. */
    private static final int FEW_QUERIES = 8;

    /** Below so many multiplications, waking others costs more than it saves. */
    private static final long PARALLEL_ABOVE = 100_000;

    /** Queries that are worked on together: what they keep fits the second-level cache. */
    private static final int QUERIES = 128;

    /** Half the factor that 16-bit values lack: see {@link AttentionProduct}. */
    static final float HALF_FACTOR = Math.scalb(1f, AttentionProduct.HALF_EXPONENT);

    private final WorkerPool pool;
    private final @Nullable NativeKernels kernels;
    private final Live live;
    private final CpuKvPages cache;
    private final CpuBuffer pageTable;
    private final AttentionQueries queries;
    private final CpuBuffer out;
    private final @Nullable CpuBuffer sinks;
    private final AttentionValues values;
    private final boolean latent;
    private final AttentionForm form;
    private final int sharing;
    private final boolean quantizedKeys;
    private final AttentionPlan plan;
    private final AttentionWorkspace workspace;
    private final @Nullable NativeAttention rows;

    /** What tiles of tokens leave for the next; none where all tokens are in the cache. */
    private final @Nullable TileCarry carry;

    /** What both operations have. */
    private record Input(
            RowCount rows, Buffer positions, Buffer slots, Buffer pageTable, CpuKvPages cache, AttentionForm form) {}

    AttentionKernel(AttentionOperation.Attention o, CpuDevice device) {
        this(
                new Input(o.rows(), o.positions(), o.slots(), o.pageTable(), (CpuKvPages) o.cache(), o.form()),
                o.q(),
                null,
                o.sinks(),
                o.out(),
                o.form().heads() / o.cache().layout().heads(),
                null,
                device);
    }

    AttentionKernel(AttentionOperation.TileAttention o, CpuDevice device) {
        this(
                new Input(o.rows(), o.seen(), o.slots(), o.pageTable(), (CpuKvPages) o.tile(), o.form()),
                o.q(),
                null,
                null,
                o.out(),
                o.form().heads() / o.tile().layout().heads(),
                TileCarry.of(o),
                device);
    }

    AttentionKernel(AttentionOperation.LatentAttention o, CpuDevice device) {
        this(
                new Input(o.rows(), o.positions(), o.slots(), o.pageTable(), (CpuKvPages) o.cache(), o.form()),
                o.q(),
                o.turned(),
                null,
                o.out(),
                LatentValues.sharing(o.form().heads()),
                null,
                device);
    }

    /** @param sharing query heads that are worked on together: those that share a KV head, or some of them */
    private AttentionKernel(
            Input input,
            Buffer q,
            @Nullable Buffer turned,
            @Nullable Buffer sinks,
            Buffer out,
            int sharing,
            @Nullable TileCarry carry,
            CpuDevice device) {
        this.pool = device.pool();
        this.kernels = device.kernels().orElse(null);
        this.live = Live.of(input.rows());
        this.cache = input.cache();
        this.pageTable = (CpuBuffer) input.pageTable();
        this.queries = new AttentionQueries(
                cache,
                input.form(),
                (CpuBuffer) q,
                (CpuBuffer) turned,
                sharing,
                device.kernels().orElse(null));
        this.out = (CpuBuffer) out;
        this.sinks = (CpuBuffer) sinks;
        this.form = input.form();
        this.sharing = sharing;
        this.carry = carry;
        this.latent = turned != null;
        this.values = new AttentionValues(cache, latent ? new LatentValues(cache, kernels) : null, kernels);
        this.quantizedKeys = cache.layout().keyType().isQuantized();
        int rowsPerBlock = Math.clamp(QUERIES / sharing, 1, input.rows().limit());
        int queries = CpuKvPages.roundUp(rowsPerBlock * sharing, AttentionProduct.ROWS);
        this.plan = new AttentionPlan(
                (CpuBuffer) input.positions(),
                (CpuBuffer) input.slots(),
                cache,
                form.heads() / sharing,
                input.rows().limit(),
                rowsPerBlock,
                form.window(),
                pool.threads(),
                (long) queries * cache.valueStride() * Float.BYTES);
        AttentionWorkspace.Shape shape = new AttentionWorkspace.Shape(
                queries, cache.keySize(), cache.valueStride(), cache.halfValues() ? AttentionProduct.HALF_EXPONENT : 0);
        this.workspace = device.attentionWorkspace(shape);
        boolean whole = kernels != null && form.softcap() == 0 && sharing <= FEW_QUERIES && !latent;
        this.rows = whole && NativeAttention.takes(cache)
                ? new NativeAttention(kernels, plan, cache, pageTable, shape, sharing)
                : null;
    }

    @Override
    public void run() {
        int rows = live.count();
        if (rows == 0) {
            return;
        }
        int parts = plan.cut(rows);
        if (plan.split()) {
            workspace.reservePartials(parts);
        }
        int perPair = form.heads() * (cache.keySize() + cache.layout().valueSize());
        if (plan.pairs() * perPair < PARALLEL_ABOVE) {
            run(0, parts, 0);
        } else {
            pool.run(this, parts);
        }
    }

    @Override
    public void run(int begin, int end, int thread) {
        Scratch scratch = workspace.scratch(thread);
        for (int part = begin; part < end; part++) {
            int block = plan.blockOfPart(part);
            int within = part - plan.firstPart(block);
            int ranges = plan.split() ? plan.endRange(block) - plan.firstRange(block) : 1;
            int head = within / ranges;
            queries.load(plan, block, head, scratch);
            if (plan.split()) {
                int range = plan.firstRange(block) + within % ranges;
                attend(block, head, range, scratch, workspace.partial(part));
                if (plan.finishRange(block, head)) {
                    mergePartials(block, head, part - within % ranges, ranges, scratch);
                }
            } else {
                attendAll(block, head, scratch);
            }
        }
    }

    private int queries(int block) {
        return (plan.endRow(block) - plan.firstRow(block)) * sharing;
    }

    private void attendAll(int block, int head, Scratch scratch) {
        int queries = queries(block);
        scratch.total.clear(queries);
        for (int range = plan.firstRange(block); range < plan.endRange(block); range++) {
            attend(block, head, range, scratch, scratch.range);
            for (int query = 0; query < queries; query++) {
                scratch.total.merge(query, scratch.range);
            }
        }
        finish(block, head, scratch.total);
    }

    private void mergePartials(int block, int head, int firstPartial, int ranges, Scratch scratch) {
        int queries = queries(block);
        scratch.total.clear(queries);
        for (int range = 0; range < ranges; range++) {
            for (int query = 0; query < queries; query++) {
                scratch.total.merge(query, workspace.partial(firstPartial + range));
            }
        }
        finish(block, head, scratch.total);
    }

    private void attend(int block, int head, int range, Scratch scratch, RunningSoftmax softmax) {
        softmax.clear(queries(block));
        int perTile = plan.groupsPerTile();
        int begin = range * plan.groupsPerRange();
        int end = Math.min(begin + plan.groupsPerRange(), plan.endGroup(block));
        if (rows != null && plan.endRow(block) == plan.firstRow(block) + 1) {
            rows.attend(plan.firstRow(block), head, begin, end, scratch, softmax);
            return;
        }
        for (int group = begin; group < end; group += perTile) {
            int endOfTile = Math.min(group + perTile, end);
            if (endOfTile > plan.firstGroup(block)) {
                KvTile tile = scratch.tile;
                tile.locate(cache, pageTable, slot(block), group, endOfTile, plan.firstGroup(block));
                if (quantizedKeys) {
                    scoreQuantized(queries(block), head, tile, scratch);
                } else {
                    score(queries(block), head, tile, scratch);
                }
                weigh(block, tile, scratch, softmax);
                values.add(queries(block), plan.lastToken(block), head, tile, scratch, softmax);
            }
        }
    }

    /** The KV head of a part of the query heads. */
    private int cacheHead(int head) {
        return latent ? 0 : head;
    }

    private int slot(int block) {
        return plan.slot(plan.firstRow(block));
    }

    /** scores = queries × keys. */
    private void score(int queries, int head, KvTile tile, Scratch scratch) {
        int keySize = cache.keySize();
        int width = cache.group();
        boolean widen = widens(cache.halfKeys(), queries, width);
        boolean halves = cache.halfKeys() && !widen;
        MemorySegment keys = widen ? scratch.group : cache.segment();
        int rowBytes = width * (halves ? Short.BYTES : Float.BYTES);
        for (int group = tile.first(); group < tile.count(); group++) {
            long at = cache.keysAt(cacheHead(head), tile.number(group));
            if (widen) {
                AttentionProduct.widen(kernels, cache.segment(), at, keySize, width, keys);
                at = 0;
            }
            for (int query = 0; query < queries; query += AttentionProduct.ROWS) {
                int to = query * AttentionWorkspace.TILE + group * width;
                for (int value = 0; value < keySize; value += AttentionWorkspace.TILE) {
                    AttentionProduct.multiply(
                            kernels,
                            halves,
                            scratch.queryFloats,
                            scratch.queryAt(query, value),
                            keys,
                            at + value * rowBytes,
                            Math.min(keySize - value, AttentionWorkspace.TILE),
                            width,
                            scratch.scoreFloats,
                            to,
                            AttentionWorkspace.TILE,
                            value > 0);
                }
            }
        }
    }

    private void scoreQuantized(int queries, int head, KvTile tile, Scratch scratch) {
        int bits = cache.layout().keyType().bits();
        int whole = CpuKvPages.roundUp(queries, AttentionProduct.ROWS);
        for (int group = tile.first(); group < tile.count(); group++) {
            long at = cache.keysAt(cacheHead(head), tile.number(group));
            int to = group * CpuKvPages.COLUMNS;
            if (kernels != null) {
                MemorySegment scores = scratch.scoreFloats.segment().asSlice(to * (long) Float.BYTES);
                kernels.scores(bits, cache.segment().asSlice(at), scratch.byteQueries, whole, scores);
            } else {
                scoreGroup(bits, whole, at, to, scratch);
            }
        }
    }

    private void scoreGroup(int bits, int queries, long at, int to, Scratch scratch) {
        int keySize = cache.keySize();
        for (int query = 0; query < queries; query += AttentionProduct.ROWS) {
            QuantizedProduct.scores(bits, keySize, scratch, query, cache.segment(), at, to);
        }
    }

    /** Whether so many queries are worth widening rows of so many values beforehand. */
    static boolean widens(boolean halves, int queries, int columns) {
        return halves && (queries > FEW_QUERIES || columns < CpuKvPages.COLUMNS);
    }

    /** scores → weights, with what a row does not see left out. */
    private void weigh(int block, KvTile tile, Scratch scratch, RunningSoftmax softmax) {
        int width = tile.count() * cache.group();
        float factor = cache.halfKeys() ? HALF_FACTOR : 1;
        boolean all = allSeen(block, tile, width);
        int queries = queries(block);
        for (int query = 0; query < queries; query++) {
            int at = query * AttentionWorkspace.TILE;
            if (form.softcap() != 0) {
                RunningSoftmax.cap(scratch.scores, at, width, factor, form.softcap());
            }
            if (!all) {
                mask(plan.firstRow(block) + query / sharing, tile, scratch.scores, at);
            }
        }
        softmax.scores(queries, scratch.scoreFloats, width, form.softcap() != 0 ? 1 : factor);
    }

    /** Whether every row of the block sees every token of the tile. */
    private boolean allSeen(int block, KvTile tile, int tokens) {
        int first = tile.firstToken(0);
        return plan.lastFirstToken(block) <= first
                && first + tokens - 1 <= plan.leastPosition(block)
                && cache.layout().pageTokens() % cache.group() == 0;
    }

    private void mask(int row, KvTile tile, float[] scores, int at) {
        int firstSeen = plan.firstToken(row);
        int endSeen = plan.position(row) + 1;
        for (int group = 0; group < tile.count(); group++) {
            int first = tile.firstToken(group);
            int to = Math.min(tile.tokens(group), endSeen - first);
            RunningSoftmax.mask(scores, at + group * cache.group(), cache.group(), firstSeen - first, to);
        }
    }

    private void finish(int block, int head, RunningSoftmax softmax) {
        int valueSize = cache.layout().valueSize();
        int query = 0;
        for (int row = plan.firstRow(block); row < plan.endRow(block); row++) {
            for (int i = 0; i < sharing; i++, query++) {
                int outHead = head * sharing + i;
                if (sinks != null) {
                    softmax.sink(query, sinks.segment().getAtIndex(ValueLayout.JAVA_FLOAT, outHead));
                }
                float total = softmax.total(query);
                softmax.finish(query, cache.halfValues() ? HALF_FACTOR : 1);
                if (carry != null) {
                    int at = query * cache.valueStride();
                    carry.add(row, outHead, softmax.largest(query), total, softmax.values(), at);
                    continue;
                }
                MemorySegment.copy(
                        softmax.values(),
                        query * cache.valueStride(),
                        out.segment(),
                        ValueLayout.JAVA_FLOAT,
                        row * out.rowBytes() + (long) outHead * valueSize * Float.BYTES,
                        valueSize);
            }
        }
    }
}
