package dev.nibble.device;

import dev.nibble.device.AttentionOperation.Attention;
import dev.nibble.device.AttentionOperation.LatentAttention;
import dev.nibble.device.AttentionOperation.WriteKv;
import dev.nibble.gguf.TensorType;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Sequences of given lengths in a cache whose pages are dealt to them in random order. Entries of the page table beyond a
 * sequence's end are -1: nothing may read them.
 *
 * @param lengths the tokens of the sequence in each slot
 */
record AttentionScene(Rig rig, KvPages cache, Buffer pageTable, int[] lengths) {
    static AttentionScene of(Rig rig, KvLayout layout, int... lengths) {
        int[] counts = Arrays.stream(lengths)
                .map(length -> Math.ceilDiv(length, layout.pageTokens()))
                .toArray();
        int width = Arrays.stream(counts).max().orElseThrow() + 1;
        int pages = Arrays.stream(counts).sum() + 2;
        int[] order = AttentionContract.shuffled(IntStream.range(0, pages).toArray(), 77);
        int[] table = new int[lengths.length * width];
        Arrays.fill(table, -1);
        int dealt = 0;
        for (int slot = 0; slot < lengths.length; slot++) {
            for (int i = 0; i < counts[slot]; i++) {
                table[slot * width + i] = order[dealt++];
            }
        }
        Buffer pageTable = rig.integers(lengths.length, width, (round, random) -> table);
        return new AttentionScene(rig, rig.cache(layout, pages), pageTable, lengths);
    }

    /** The same sequences in another layer's cache. */
    AttentionScene anotherLayer(KvLayout layout) {
        return new AttentionScene(rig, rig.cache(layout, cache.pages()), pageTable, lengths);
    }

    /** Writes all tokens in three operations, in random order, then attends from (position, slot) pairs. */
    void attend(AttentionForm form, boolean sinks, int[][] queries, int... lives) {
        RowCount rows = rig.rows(queries.length, lives.length == 0 ? new int[] {queries.length} : lives);
        attend(rows, form, sinks, queries, lives);
    }

    /** The same from given rows; returns what it gives. */
    Buffer attend(RowCount rows, AttentionForm form, boolean sinks, int[][] queries, int... lives) {
        writeHistory(lives.length == 0 ? 1 : lives.length);
        Buffer positions = rig.integers(
                rows,
                1,
                (round, random) ->
                        Arrays.stream(queries).mapToInt(query -> query[0]).toArray());
        Buffer slots = rig.integers(
                rows,
                1,
                (round, random) ->
                        Arrays.stream(queries).mapToInt(query -> query[1]).toArray());
        return attend(rows, positions, slots, form, sinks);
    }

    /** Has what attention gives quantized, for a product. */
    void attendAndMultiply(RowCount rows, AttentionForm form, int[][] queries, int... lives) {
        Buffer out = attend(rows, form, false, queries, lives);
        Buffer quantized = rig.between(ElementType.Q8, rows, out.width());
        rig.add(new Operation.Quantize(rows, out, quantized));
        Weight weight = rig.weight(TensorType.Q8_0, WeightUse.MATRIX, 1, 33, out.width());
        Operation.Product product = new Operation.Product(weight, null, rig.output(rows, 33));
        rig.add(new Operation.Matmul(rows, out, quantized, List.of(product)));
    }

    /** Writes the rows' own keys and values, and attends to what was written so far. */
    void inPlaceOfHistory(RowCount rows, Buffer positions, Buffer slots, AttentionForm form) {
        KvLayout layout = cache.layout();
        Buffer k = rig.input(rows, layout.heads() * layout.keySize());
        Buffer v = rig.input(rows, layout.heads() * layout.valueSize());
        rig.add(new WriteKv(rows, positions, slots, pageTable, k, v, cache));
        attend(rows, positions, slots, form, false);
    }

    /** Attends to what was written before; returns what that gives. */
    Buffer attend(RowCount rows, Buffer positions, Buffer slots, AttentionForm form, boolean sinks) {
        KvLayout layout = cache.layout();
        if (layout.latent()) {
            Buffer q = rig.input(rows, form.heads() * layout.valueSize());
            Buffer turned = rig.input(rows, form.heads() * layout.keySize());
            Buffer out = rig.output(rows, form.heads() * layout.valueSize());
            rig.add(new LatentAttention(rows, positions, slots, pageTable, q, turned, cache, form, out));
            return out;
        }
        Buffer q = rig.input(rows, form.heads() * layout.keySize());
        Buffer logits = sinks ? rig.floats(1, form.heads(), 1) : null;
        Buffer out = rig.output(rows, form.heads() * layout.valueSize());
        rig.add(new Attention(rows, positions, slots, pageTable, q, cache, form, logits, out));
        return out;
    }

    /** Writes all tokens in three operations, in random order, in each round. */
    void writeHistory(int rounds) {
        KvLayout layout = cache.layout();
        int total = Arrays.stream(lengths).sum();
        int[] order = AttentionContract.shuffled(IntStream.range(0, total).toArray(), 78);
        int[] ends = {0, total / 3, total - total / 4, total};
        for (int part = 0; part < 3; part++) {
            int[] tokens = Arrays.copyOfRange(order, ends[part], ends[part + 1]);
            if (tokens.length == 0) {
                continue;
            }
            int[] lives = new int[rounds];
            Arrays.fill(lives, tokens.length);
            RowCount rows = rig.rows(tokens.length, lives);
            int[] slotOf = Arrays.stream(tokens).map(this::slot).toArray();
            int[] positionOf = Arrays.stream(tokens)
                    .map(token -> token - start(slot(token)))
                    .toArray();
            Buffer positions = rig.integers(rows, 1, (round, random) -> positionOf);
            Buffer slots = rig.integers(rows, 1, (round, random) -> slotOf);
            Buffer k = rig.input(rows, layout.heads() * layout.keySize());
            Buffer v = rig.input(rows, layout.heads() * layout.valueSize());
            rig.add(new WriteKv(rows, positions, slots, pageTable, k, v, cache));
        }
    }

    /** The slot of a token, counted through all sequences. */
    private int slot(int token) {
        int slot = 0;
        while (token >= start(slot + 1)) {
            slot++;
        }
        return slot;
    }

    private int start(int slot) {
        return Arrays.stream(lengths, 0, slot).sum();
    }
}
