package dev.nibble.device.cpu;

import dev.nibble.device.cpu.AttentionWorkspace.Scratch;
import org.jspecify.annotations.Nullable;

/**
 * The weighted sums of values of an attention.
 *
 * @param latent values that are parts of keys; none if they lie apart
 */
record AttentionValues(
        CpuKvPages cache,
        @Nullable LatentValues latent,
        @Nullable NativeKernels kernels) {
    /** softmax += weights × values. */
    void add(int queries, int lastToken, int head, KvTile tile, Scratch scratch, RunningSoftmax softmax) {
        for (int group = tile.first(); group < tile.count(); group++) {
            int length = Math.min(tile.tokens(group), lastToken + 1 - tile.firstToken(group));
            for (int column = 0; column < cache.valueStride(); column += CpuKvPages.COLUMNS) {
                long at = latent == null ? cache.valuesAt(head, tile.number(group), column) : 0;
                if (latent != null) {
                    latent.load(tile.number(group), column, scratch.latent, scratch.group);
                    addFloats(queries, length, column, scratch, group * cache.group(), softmax.floats());
                } else if (cache.quantizedValues()) {
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

    /** Adds a block of columns of {@code length} tokens' values, which lie in the scratch memory, to the sums of all queries. */
    private void addFloats(int queries, int length, int column, Scratch scratch, int weights, HeapFloats sums) {
        int stride = cache.valueStride();
        for (int query = 0; query < queries; query += AttentionProduct.ROWS) {
            AttentionProduct.multiply(
                    kernels,
                    false,
                    scratch.scoreFloats,
                    query * AttentionWorkspace.TILE + weights,
                    scratch.group,
                    0,
                    length,
                    cache.columnsOfBlock(column),
                    sums,
                    query * stride + column,
                    stride,
                    true);
        }
    }

    /** Adds a block of columns of {@code length} tokens' values to the sums of all queries. */
    private void addValues(
            int queries, long at, int length, int column, Scratch scratch, int weights, HeapFloats sums) {
        int columns = cache.columnsOfBlock(column);
        int stride = cache.valueStride();
        boolean widen = AttentionKernel.widens(cache.halfValues(), queries, columns);
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
}
