package dev.nibble.device;

import dev.nibble.device.OperationChecks.Shapes;
import org.jspecify.annotations.Nullable;

/** The operations that write and read the KV cache. */
public sealed interface AttentionOperation extends Operation {
    /**
     * Writes the keys and values of the rows into the cache, each at its position in the pages of its slot, in the types of the
     * cache, of which {@link KvType} tells the arithmetic.
     *
     * @param positions I32 (n, 1)
     * @param slots I32 (n, 1), rows of the page table
     * @param pageTable I32 (slots, pages of a sequence)
     * @param k (n, heads × keySize)
     * @param v (n, heads × valueSize)
     * @param cache the pages of this layer
     */
    record WriteKv(RowCount rows, Buffer positions, Buffer slots, Buffer pageTable, Buffer k, Buffer v, KvPages cache)
            implements AttentionOperation {
        /** Checks the shapes. */
        public WriteKv {
            KvLayout layout = cache.layout();
            Shapes.of("writeKv", rows)
                    .ints(positions, 1)
                    .ints(slots, 1)
                    .table(pageTable, ElementType.I32)
                    .floats(k, layout.heads() * layout.keySize())
                    .floats(v, layout.heads() * layout.valueSize());
        }
    }

    /**
     * Causal attention of each row over the cached tokens of its slot up to its own position, with streaming softmax
     * (Milakov and Gimelshein, 2018; Dao et al., 2022): a sequence's rows may stand in any order, all its tokens up to the
     * position of each row being in the cache. Query heads share key and value heads in equal groups (Ainslie et al., 2023).
     *
     * <p>Against keys of a quantized type the query is quantized to int8 in blocks of 32, as {@link Quantize} does it. The score is
     * the sum over the blocks of the product of the integers, which is exact, times the scales of key and query. Weights of values are
     * floats for all types: a value of a quantized type counts as what its integer and its scale stand for.
     *
     * @param positions I32 (n, 1)
     * @param slots I32 (n, 1), rows of the page table
     * @param pageTable I32 (slots, pages of a sequence)
     * @param q (n, heads × keySize)
     * @param cache the pages of this layer
     * @param form heads, scale, window, soft cap
     * @param sinks (1, heads), a logit per head that takes part in the softmax without a value; or none
     * @param out (n, heads × valueSize)
     */
    record Attention(
            RowCount rows,
            Buffer positions,
            Buffer slots,
            Buffer pageTable,
            Buffer q,
            KvPages cache,
            AttentionForm form,
            @Nullable Buffer sinks,
            Buffer out)
            implements AttentionOperation {
        /** Checks the shapes. */
        public Attention {
            OperationChecks.heads(form, cache.layout());
            Shapes.of("attention", rows)
                    .ints(positions, 1)
                    .ints(slots, 1)
                    .table(pageTable, ElementType.I32)
                    .floats(q, form.heads() * cache.layout().keySize())
                    .values(sinks, form.heads())
                    .floats(out, form.heads() * cache.layout().valueSize())
                    .apart(out, q);
        }
    }

    /**
     * Causal attention over latent vectors (multi-head latent attention, DeepSeek-AI, 2024), as {@link Attention} but for what keys and
     * values are. The cache has a latent layout, of one head: {@link WriteKv} wrote to it, as the value of a token, its latent vector
     * c of {@code L = valueSize} values, and as its key the {@code T = keySize} values t that were turned by its position. A key is
     * both together, (c, t), and the value is c: it is in the cache once, and all query heads share it.
     *
     * <p>With q and r the two parts of the query of a head, the weight of a token is the softmax of
     * {@code scale · (q · c + r · t)}, and the output of the head is the weighted sum of c, over the tokens of the row's slot up to the
     * row's own position. The form has neither window nor soft cap.
     *
     * <p>Against a cache of a quantized type both parts of the query are quantized to int8 in blocks of 32, as {@link Quantize} does it, and
     * the score is the sum over all blocks of the exact product of the integers times both scales, as in {@link Attention}; in the
     * weighted sum a value counts as its integer times its scale.
     *
     * <p>DeepSeek R1: 128 heads, L 512, T 64. What comes before and after takes queries to the latent space and values out of it, head by
     * head: an {@link ExpertMatmul} whose ids are the heads.
     *
     * @param positions I32 (n, 1)
     * @param slots I32 (n, 1), rows of the page table
     * @param pageTable I32 (slots, pages of a sequence)
     * @param q (n, heads × L), what meets the latent vectors
     * @param turned (n, heads × T), what meets the turned values
     * @param cache the pages of this layer, of a latent layout
     * @param form heads and scale; window and softcap are 0
     * @param out (n, heads × L)
     */
    record LatentAttention(
            RowCount rows,
            Buffer positions,
            Buffer slots,
            Buffer pageTable,
            Buffer q,
            Buffer turned,
            KvPages cache,
            AttentionForm form,
            Buffer out)
            implements AttentionOperation {
        /** Checks the shapes. */
        public LatentAttention {
            OperationChecks.latent(form, cache.layout());
            Shapes.of("latentAttention", rows)
                    .ints(positions, 1)
                    .ints(slots, 1)
                    .table(pageTable, ElementType.I32)
                    .floats(q, form.heads() * cache.layout().valueSize())
                    .floats(turned, form.heads() * cache.layout().keySize())
                    .floats(out, form.heads() * cache.layout().valueSize())
                    .apart(out, q)
                    .apart(out, turned);
        }
    }

    /**
     * Reads latent vectors and turned values of neighbouring tokens of one sequence from the cache as floats: row i gets those of the
     * token at position {@code first + i}. The reverse of {@link WriteKv}, up to what the type of the cache has rounded.
     *
     * @param from I32 (1, 2): the slot of the sequence, and the position of the first token
     * @param pageTable I32 (slots, pages of a sequence)
     * @param cache the pages of this layer, of a latent layout
     * @param turned (n, keySize)
     * @param latent (n, valueSize)
     */
    record ReadLatent(RowCount rows, Buffer from, Buffer pageTable, KvPages cache, Buffer turned, Buffer latent)
            implements AttentionOperation {
        /** Checks the shapes. */
        public ReadLatent {
            OperationChecks.readLatent(cache.layout());
            Shapes.of("readLatent", rows)
                    .single(from, 2)
                    .table(pageTable, ElementType.I32)
                    .floats(turned, cache.layout().keySize())
                    .floats(latent, cache.layout().valueSize())
                    .apart(latent, turned);
        }
    }

    /**
     * {@link Attention} over one tile of a sequence's tokens after another: each operation takes in what it finds in its tile, and after
     * the last one {@code out} is the attention over all of them. So keys and values that are made as they are needed take the memory
     * of one tile, however long the sequence is. As streaming softmax does it: with m the largest score so far and l the sum of the
     * exponentials of all scores less m, what a tile gives is added as l and {@code out · l} after both were brought to the larger m.
     *
     * <p>The pages of the tile have positions of their own, from 0 on, in a page table of as many slots as rows refer to. The form has
     * neither window nor soft cap. Rows that see nothing of the tile are of another slot than those that see some of it. A row that sees
     * nothing of any tile has an {@code out} of zeros.
     *
     * @param seen I32 (n, 1): the position in the tile of the last token that the row sees; −1 if it sees none
     * @param slots I32 (n, 1), rows of the tile's page table
     * @param pageTable I32 (slots, pages of the tile)
     * @param q (n, heads × keySize)
     * @param tile the pages of the tile
     * @param form heads and scale; window and softcap are 0
     * @param first whether no tile came before: {@code sums} and {@code out} are not read
     * @param sums (n, heads × 2): for each head what the next tile must know, m and l in units that a device chooses
     * @param out (n, heads × valueSize): the attention over the tiles so far
     */
    record TileAttention(
            RowCount rows,
            Buffer seen,
            Buffer slots,
            Buffer pageTable,
            Buffer q,
            KvPages tile,
            AttentionForm form,
            boolean first,
            Buffer sums,
            Buffer out)
            implements AttentionOperation {
        /** Checks the shapes. */
        public TileAttention {
            OperationChecks.tile(form, tile.layout());
            Shapes.of("tileAttention", rows)
                    .ints(seen, 1)
                    .ints(slots, 1)
                    .table(pageTable, ElementType.I32)
                    .floats(q, form.heads() * tile.layout().keySize())
                    .floats(sums, form.heads() * 2)
                    .floats(out, form.heads() * tile.layout().valueSize())
                    .apart(out, q)
                    .apart(out, sums);
        }
    }
}
