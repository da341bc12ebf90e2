package dev.nibble.device.cpu;

import dev.nibble.device.AttentionOperation;
import java.lang.foreign.MemorySegment;

/**
 * What {@link AttentionOperation.TileAttention} carries from tile to tile: for each head of a row its largest score and its sum of
 * exponentials, as {@link RunningSoftmax} counts them, and the attention so far.
 *
 * @param sums (n, heads × 2)
 * @param out (n, heads × valueSize)
 * @param first whether there is nothing to carry yet
 */
record TileCarry(CpuBuffer sums, CpuBuffer out, int heads, boolean first) {
    static TileCarry of(AttentionOperation.TileAttention o) {
        return new TileCarry((CpuBuffer) o.sums(), (CpuBuffer) o.out(), o.form().heads(), o.first());
    }

    /**
     * Takes in what a tile gives for a head of a row.
     *
     * @param largest the largest score of the tile
     * @param total the sum of its exponentials; 0 if the row sees none of its tokens
     * @param values the attention over the tile at {@code at}, which is not read if the total is 0
     */
    void add(int row, int head, float largest, float total, float[] values, int at) {
        MemorySegment memory = out.segment();
        int size = out.width() / heads;
        long to = row * out.rowBytes() + (long) head * size * Float.BYTES;
        long state = row * sums.rowBytes() + 2L * head * Float.BYTES;
        float before = first ? 0 : Rows.get(sums.segment(), state + Float.BYTES);
        if (total == 0) {
            if (first) {
                memory.asSlice(to, (long) size * Float.BYTES).fill((byte) 0);
                keep(state, largest, 0);
            }
            return;
        }
        if (before == 0) {
            MemorySegment.copy(MemorySegment.ofArray(values), 4L * at, memory, to, 4L * size);
            keep(state, largest, total);
            return;
        }
        float largestBefore = Rows.get(sums.segment(), state);
        float now = Math.max(largest, largestBefore);
        float own = before * RunningSoftmax.exp2(largestBefore - now);
        float others = total * RunningSoftmax.exp2(largest - now);
        keep(state, now, own + others);
        float share = others / (own + others);
        for (int i = 0; i < size; i++) {
            float value = Rows.get(memory, to + 4L * i);
            Rows.set(memory, to + 4L * i, value + (values[at + i] - value) * share);
        }
    }

    private void keep(long state, float largest, float total) {
        Rows.set(sums.segment(), state, largest);
        Rows.set(sums.segment(), state + Float.BYTES, total);
    }
}
