package dev.nibble.device.cpu;

import dev.nibble.device.KvType;
import dev.nibble.device.Operation;
import dev.nibble.device.cpu.AttentionWorkspace.Scratch;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.jspecify.annotations.Nullable;

/**
 * {@link Operation.Attention}: streams over the keys and values of each block of rows, tile by tile, with all query heads of a
 * KV head together, so that each is read once.
 */
final class AttentionKernel implements Kernel, WorkerPool.Task {
    /** Up to so many queries 16-bit keys and values are widened on the way; for more, once per tile into scratch memory. */
    private static final int FEW_QUERIES = 8;

    /** Below so many multiplications, waking others costs more than it saves. */
    private static final long PARALLEL_ABOVE = 200_000;

    /** Queries that are worked on together: what they keep fits the second-level cache. */
    private static final int QUERIES = 128;

    /** Half the factor that 16-bit values lack: see {@link AttentionProduct}. */
    static final float HALF_FACTOR = Math.scalb(1f, AttentionProduct.HALF_EXPONENT);

    private final WorkerPool pool;
    private final @Nullable NativeKernels kernels;
    private final Live live;
    private final CpuKvPages cache;
    private final CpuBuffer pageTable;
    private final CpuBuffer q;
    private final CpuBuffer out;
    private final @Nullable CpuBuffer sinks;
    private final Operation.AttentionForm form;
    private final int sharing;
    private final boolean quantizedKeys;
    private final boolean quantizedValues;
    private final AttentionPlan plan;
    private final AttentionWorkspace workspace;
    private final @Nullable NativeAttention rows;

    AttentionKernel(Operation.Attention operation, CpuDevice device) {
        this.pool = device.pool();
        this.kernels = device.kernels().orElse(null);
        this.live = Live.of(operation.rows());
        this.cache = (CpuKvPages) operation.cache();
        this.pageTable = (CpuBuffer) operation.pageTable();
        this.q = (CpuBuffer) operation.q();
        this.out = (CpuBuffer) operation.out();
        this.sinks = (CpuBuffer) operation.sinks();
        this.form = operation.form();
        this.sharing = form.heads() / cache.layout().heads();
        this.quantizedKeys = cache.layout().keyType().isQuantized();
        this.quantizedValues = cache.layout().valueType().isQuantized();
        int rowsPerBlock = Math.clamp(QUERIES / sharing, 1, operation.rows().limit());
        int queries = CpuKvPages.roundUp(rowsPerBlock * sharing, AttentionProduct.ROWS);
        this.plan = new AttentionPlan(
                (CpuBuffer) operation.positions(),
                (CpuBuffer) operation.slots(),
                cache,
                operation.rows().limit(),
                rowsPerBlock,
                form.window(),
                pool.threads(),
                (long) queries * cache.valueStride() * Float.BYTES);
        AttentionWorkspace.Shape shape = new AttentionWorkspace.Shape(
                queries,
                cache.layout().keySize(),
                cache.valueStride(),
                cache.halfValues() ? AttentionProduct.HALF_EXPONENT : 0);
        this.workspace = device.attentionWorkspace(shape);
        boolean whole = kernels != null && form.softcap() == 0 && sharing <= FEW_QUERIES;
        this.rows = whole && NativeAttention.takes(cache)
                ? new NativeAttention(kernels, plan, cache, (CpuBuffer) operation.pageTable(), shape, sharing)
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
        int perPair = form.heads() * (cache.layout().keySize() + cache.layout().valueSize());
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
            loadQueries(block, head, scratch);
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

    private void loadQueries(int block, int head, Scratch scratch) {
        int keySize = cache.layout().keySize();
        float factor = cache.halfKeys() ? form.scale() * HALF_FACTOR : form.scale();
        int query = 0;
        for (int row = plan.firstRow(block); row < plan.endRow(block); row++) {
            long at = row * q.rowBytes() + (long) head * sharing * keySize * Float.BYTES;
            for (int i = 0; i < sharing; i++, query++, at += keySize * (long) Float.BYTES) {
                if (quantizedKeys) {
                    quantizeQuery(at, query, scratch);
                    continue;
                }
                for (int value = 0; value < keySize; value++) {
                    scratch.q[scratch.queryAt(query, value)] = Rows.get(q.segment(), at + value * 4L) * factor;
                }
            }
        }
    }

    private void quantizeQuery(long at, int query, Scratch scratch) {
        int size = cache.layout().keySize();
        if (kernels != null) {
            int bits = cache.layout().keyType().bits();
            kernels.quantizeQuery(bits, q.segment().asSlice(at), form.scale(), scratch.byteQueries, query);
            return;
        }
        for (int value = 0; value < size; value += KvType.BLOCK) {
            float scale = QuantizedProduct.quantize(q.segment(), at + value * 4L, scratch.q, query * size + value);
            scratch.queryScales[scratch.scaleAt(query, value)] = scale * form.scale();
        }
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
                addValues(block, head, tile, scratch, softmax);
            }
        }
    }

    private int slot(int block) {
        return plan.slot(plan.firstRow(block));
    }

    /** scores = queries × keys. */
    private void score(int queries, int head, KvTile tile, Scratch scratch) {
        int keySize = cache.layout().keySize();
        int width = cache.group();
        boolean widen = widens(cache.halfKeys(), queries, width);
        boolean halves = cache.halfKeys() && !widen;
        MemorySegment keys = widen ? scratch.group : cache.segment();
        int rowBytes = width * (halves ? Short.BYTES : Float.BYTES);
        for (int group = tile.first(); group < tile.count(); group++) {
            long at = cache.keysAt(head, tile.number(group));
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
            long at = cache.keysAt(head, tile.number(group));
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
        int keySize = cache.layout().keySize();
        for (int query = 0; query < queries; query += AttentionProduct.ROWS) {
            QuantizedProduct.scores(bits, keySize, scratch, query, cache.segment(), at, to);
        }
    }

    /** Whether so many queries are worth widening rows of so many values beforehand. */
    private static boolean widens(boolean halves, int queries, int columns) {
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

    /** softmax += weights × values. */
    private void addValues(int block, int head, KvTile tile, Scratch scratch, RunningSoftmax softmax) {
        int queries = queries(block);
        for (int group = tile.first(); group < tile.count(); group++) {
            int length = Math.min(tile.tokens(group), plan.lastToken(block) + 1 - tile.firstToken(group));
            for (int column = 0; column < cache.valueStride(); column += CpuKvPages.COLUMNS) {
                long at = cache.valuesAt(head, tile.number(group), column);
                if (quantizedValues) {
                    addBlock(queries, at, length, column, scratch, group * cache.group(), softmax.values());
                } else {
                    addValues(queries, at, length, column, scratch, group * cache.group(), softmax.floats());
                }
            }
        }
    }

    /** Adds a quantized block of {@code length} tokens' values to the sums of all queries. */
    private void addBlock(int queries, long at, int length, int column, Scratch scratch, int weights, float[] sums) {
        int stride = cache.valueStride();
        for (int query = 0; query < queries; query += AttentionProduct.ROWS) {
            QuantizedProduct.scale(
                    scratch.scores,
                    query * AttentionWorkspace.TILE + weights,
                    cache.segment(),
                    at,
                    length,
                    scratch.weights);
            QuantizedProduct.add(
                    cache.layout().valueType().bits(),
                    scratch.weights,
                    cache.segment(),
                    at,
                    length,
                    sums,
                    query * stride + column,
                    stride);
        }
    }

    /** Adds a block of columns of {@code length} tokens' values to the sums of all queries. */
    private void addValues(
            int queries, long at, int length, int column, Scratch scratch, int weights, HeapFloats sums) {
        int columns = cache.columnsOfBlock(column);
        int stride = cache.valueStride();
        boolean widen = widens(cache.halfValues(), queries, columns);
        if (widen) {
            AttentionProduct.widen(kernels, cache.segment(), at, length, columns, scratch.group);
        }
        for (int query = 0; query < queries; query += AttentionProduct.ROWS) {
            AttentionProduct.multiply(
                    kernels,
                    cache.halfValues() && !widen,
                    scratch.scoreFloats,
                    query * AttentionWorkspace.TILE + weights,
                    widen ? scratch.group : cache.segment(),
                    widen ? 0 : at,
                    length,
                    columns,
                    sums,
                    query * stride + column,
                    stride,
                    true);
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
                softmax.finish(query, cache.halfValues() ? HALF_FACTOR : 1);
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
