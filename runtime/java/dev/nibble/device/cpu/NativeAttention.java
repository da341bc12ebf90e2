package dev.nibble.device.cpu;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * The attention of one row to a range of tokens in one native call: between calls for each tile,
 * Java takes longer than the tiles. The arithmetic, and its order, are those of {@link AttentionKernel}.
 */
final class NativeAttention {
    private final NativeKernels kernels;
    private final AttentionPlan plan;
    private final CpuKvPages cache;
    private final CpuBuffer pageTable;

    /** A {@code struct nibble_attention}. */
    private final MemorySegment shape;

    NativeAttention(
            NativeKernels kernels,
            AttentionPlan plan,
            CpuKvPages cache,
            CpuBuffer pageTable,
            AttentionWorkspace.Shape workspace,
            int queries) {
        this.kernels = kernels;
        this.plan = plan;
        this.cache = cache;
        this.pageTable = pageTable;
        float factor = cache.halfKeys() ? AttentionKernel.HALF_FACTOR : 1;
        long[] numbers = {
            queries,
            workspace.queries(),
            workspace.keySize(),
            workspace.valueStride(),
            cache.keysAt(0, 1),
            cache.valuesAt(0, 1, 0) - cache.valuesAt(0, 0, 0),
            cache.layout().keyType().bits(),
            cache.layout().valueType().bits(),
            workspace.exponent(),
            Integer.toUnsignedLong(Float.floatToRawIntBits(factor * VectorMath.LOG2_E))
        };
        this.shape = Arena.ofAuto().allocateFrom(ValueLayout.JAVA_LONG, numbers);
    }

    /** Whether there is a native kernel for this cache. */
    static boolean takes(CpuKvPages cache) {
        boolean quantized = cache.layout().keyType().isQuantized()
                || cache.layout().valueType().isQuantized();
        return !quantized && cache.group() == CpuKvPages.COLUMNS && cache.valueStride() % CpuKvPages.COLUMNS == 0;
    }

    /** Takes the groups {@code begin ≤ group < end} of a row's sequence in, as far as the row sees them. */
    void attend(int row, int head, int begin, int end, AttentionWorkspace.Scratch scratch, RunningSoftmax softmax) {
        int seenFrom = plan.firstToken(row);
        int[] groups = scratch.groups;
        for (int group = Math.max(begin, seenFrom / cache.group()); group < end; group++) {
            int page = group / cache.groupsPerPage();
            long entry = (long) plan.slot(row) * pageTable.width() + page;
            groups[group - begin] = cache.groupNumber(pageTable.integer(entry), group % cache.groupsPerPage());
        }
        MemorySegment keys = cache.segment().asSlice(cache.keysAt(head, 0));
        MemorySegment values = cache.segment().asSlice(cache.valuesAt(head, 0, 0));
        kernels.attend(
                shape,
                keys,
                values,
                scratch.groupNumbers,
                begin,
                end,
                seenFrom,
                plan.position(row) + 1,
                scratch,
                softmax);
    }
}
