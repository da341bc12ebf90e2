package dev.nibble.device.cpu;

import dev.nibble.device.KvType;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The scratch memory of attentions of one shape, shared by all layers: a part for each thread, and one for each split. */
final class AttentionWorkspace {
    /** Tokens in a tile. */
    static final int TILE = 64;

    /**
     * The shape.
     *
     * @param queries heads of rows that are worked on together
     * @param keySize values of a key
     * @param valueStride values of a value, rounded up to a multiple of 16
     * @param exponent log2 of the factor on all weights
     */
    record Shape(int queries, int keySize, int valueStride, int exponent) {
        private RunningSoftmax softmax(@Nullable NativeKernels kernels) {
            return new RunningSoftmax(kernels, queries, valueStride, exponent);
        }
    }

    /** One thread's part. */
    static final class Scratch {
        /**
         * The queries times the scale, or their integers if keys are quantized, cut into pieces of a tile's width: (pieces, queries,
         * TILE).
         */
        final float[] q;

        /** The scales of quantized queries times the scale: (blocks, queries). */
        final float[] queryScales;

        private final int queries;

        /** Quantized queries for native kernels. */
        final ByteQueries byteQueries;

        /** Scores, then weights: (queries, TILE). */
        final float[] scores;

        /** The same. */
        final HeapFloats scoreFloats;

        /** {@link #q}. */
        final HeapFloats queryFloats;

        /** The weights of a group's tokens times the scales of their quantized values: (4, TILE). */
        final float[] weights = new float[AttentionProduct.ROWS * TILE];

        /** Over the current range of tokens. */
        final RunningSoftmax range;

        /** Over all ranges so far. */
        final RunningSoftmax total;

        final KvTile tile = new KvTile();

        /** Where the groups of a range lie. */
        final int[] groups = new int[AttentionPlan.RANGE_TILES * TILE / CpuKvPages.LEAST_GROUP];

        /** The same, for native kernels. */
        final MemorySegment groupNumbers = MemorySegment.ofArray(groups);

        /** A block of latent values as floats: (values, tokens). */
        final float[] latent = new float[CpuKvPages.COLUMNS * CpuKvPages.COLUMNS];

        /** One group of keys, or one block of values, as floats. */
        final MemorySegment group;

        private Scratch(Shape shape, @Nullable NativeKernels kernels, MemorySegment group) {
            this.queries = shape.queries;
            this.q = new float[Math.ceilDiv(shape.keySize, TILE) * queries * TILE];
            this.queryScales = new float[Math.ceilDiv(shape.keySize, KvType.BLOCK) * queries];
            this.byteQueries = ByteQueries.of(queries, shape.keySize);
            this.scores = new float[shape.queries * TILE];
            this.scoreFloats = HeapFloats.of(scores);
            this.queryFloats = HeapFloats.of(q);
            this.range = shape.softmax(kernels);
            this.total = shape.softmax(kernels);
            this.group = group;
        }

        /** Where the scale of the block that begins at a value of a query lies in {@link #queryScales}. */
        int scaleAt(int query, int value) {
            return value / KvType.BLOCK * queries + query;
        }

        /** Where a value of a query lies in {@link #q}. */
        int queryAt(int query, int value) {
            return (value / TILE * queries + query) * TILE + value % TILE;
        }
    }

    private final Shape shape;
    private final @Nullable NativeKernels kernels;
    private final Scratch[] scratch;
    private final List<RunningSoftmax> partials = new ArrayList<>();

    AttentionWorkspace(Shape shape, @Nullable NativeKernels kernels, int threads, DeviceMemory memory) {
        this.kernels = kernels;
        this.shape = shape;
        long groupBytes = 4L * CpuKvPages.COLUMNS * Math.max(shape.keySize, shape.valueStride);
        MemorySegment groups = memory.allocate(groupBytes * threads, "scratch memory for attention")
                .segment();
        this.scratch = new Scratch[threads];
        for (int i = 0; i < threads; i++) {
            scratch[i] = new Scratch(shape, kernels, groups.asSlice(i * groupBytes, groupBytes));
        }
    }

    Scratch scratch(int thread) {
        return scratch[thread];
    }

    /** Makes sure that there are so many results of ranges. */
    void reservePartials(int count) {
        while (partials.size() < count) {
            partials.add(shape.softmax(kernels));
        }
    }

    /** The result of one range. */
    RunningSoftmax partial(int index) {
        return partials.get(index);
    }
}
