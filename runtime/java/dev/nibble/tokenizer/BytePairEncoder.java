package dev.nibble.tokenizer;

import java.util.List;

/**
 * Byte-level byte-pair encoding (the vocabulary kind {@code gpt2}): a pre-tokenizer cuts the text into words, and in each
 * word the pair of neighbouring tokens with the merge of lowest rank is merged until none is left. A byte without a token is
 * left out, as in llama.cpp.
 *
 * <p>Source: Sennrich, Haddow and Birch, "Neural Machine Translation of Rare Words with Subword Units", 2016.
 */
final class BytePairEncoder implements Encoder {
    private final List<Splitter> passes;
    private final TokenIndex index;
    private final MergeTable merges;
    private final boolean ignoreMerges;
    /** (256): the token of each byte, -1 if there is none. */
    private final int[] byteTokens = new int[256];

    private final WordCache cache = new WordCache();

    /**
     * @param passes of the pre-tokenizer, each cutting the pieces of the one before
     * @param index finds a token by the bytes that it stands for
     * @param ignoreMerges whether a word that is a token is that token, whatever the merges say
     */
    BytePairEncoder(List<Splitter> passes, TokenIndex index, MergeTable merges, boolean ignoreMerges) {
        this.passes = List.copyOf(passes);
        this.index = index;
        this.merges = merges;
        this.ignoreMerges = ignoreMerges;
        for (int value = 0; value < byteTokens.length; value++) {
            byteTokens[value] = index.find(new byte[] {(byte) value}, 0, 1);
        }
    }

    @Override
    public void encode(byte[] text, int from, int to, boolean first, IntList out) {
        MergeQueue queue = new MergeQueue();
        Splitter.Pieces words = (bytes, start, end) -> encodeWord(bytes, start, end, queue, out);
        for (int i = passes.size() - 1; i >= 0; i--) {
            Splitter pass = passes.get(i);
            Splitter.Pieces next = words;
            words = (bytes, start, end) -> pass.split(bytes, start, end, next);
        }
        words.piece(text, from, to);
    }

    private void encodeWord(byte[] text, int from, int to, MergeQueue queue, IntList out) {
        if (to - from > WordCache.LONGEST) {
            encodeLongWord(text, from, to, queue, out);
            return;
        }
        int hash = ByteHash.of(text, from, to);
        if (ignoreMerges) {
            int id = index.find(text, from, to, hash);
            if (id != TokenIndex.NONE) {
                out.add(id);
                return;
            }
        }
        int[] known = cache.get(text, from, to, hash);
        if (known != null) {
            out.addAll(known);
            return;
        }
        int before = out.size();
        merge(text, from, to, queue, out);
        cache.put(text, from, to, hash, out.toArray(before));
    }

    private void encodeLongWord(byte[] text, int from, int to, MergeQueue queue, IntList out) {
        int id = ignoreMerges ? index.find(text, from, to) : TokenIndex.NONE;
        if (id == TokenIndex.NONE) {
            merge(text, from, to, queue, out);
        } else {
            out.add(id);
        }
    }

    private void merge(byte[] text, int from, int to, MergeQueue queue, IntList out) {
        queue.begin(to);
        for (int i = from; i < to; i++) {
            queue.add(i, byteTokens[text[i] & 0xFF]);
        }
        queue.merge((symbols, left, right) -> merges.find(symbols.id(left), symbols.id(right)));
        for (int symbol = 0; symbol >= 0; symbol = queue.next(symbol)) {
            if (queue.id(symbol) != TokenIndex.NONE) {
                out.add(queue.id(symbol));
            }
        }
    }
}
