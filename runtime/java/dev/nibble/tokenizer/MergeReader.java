package dev.nibble.tokenizer;

import dev.nibble.gguf.Metadata;
import dev.nibble.gguf.MetadataValue;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/** Reads the tables of byte-pair encoding: the bytes of each token, and the merges. */
final class MergeReader {
    private static final String MERGES = "tokenizer.ggml.merges";

    private final Metadata metadata;
    private final TokenIndex index;
    /** Room for the bytes of a whole merge. */
    private byte[] scratch = new byte[64];

    /**
     * @param texts the tokens as the file writes them
     */
    MergeReader(Metadata metadata, TokenBytes texts) {
        this.metadata = metadata;
        TokenBytes.Builder decoded = new TokenBytes.Builder(texts.size(), texts.data().length);
        for (int id = 0; id < texts.size(); id++) {
            ensure(texts.length(id));
            int length = ByteAlphabet.decode(texts.data(), texts.start(id), texts.end(id), scratch);
            decoded.append(scratch, 0, Math.max(0, length));
            decoded.next();
        }
        TokenBytes bytes = decoded.build();
        index = new TokenIndex(bytes);
        for (int id = 0; id < bytes.size(); id++) {
            if (bytes.length(id) > 0) {
                index.add(id);
            }
        }
    }

    /** Finds tokens by the bytes that they stand for; those whose text is not of the byte alphabet are not in it. */
    TokenIndex index() {
        return index;
    }

    /** The merges, in the order of their ranks. */
    MergeTable merges() {
        int count = metadata.strings(MERGES).size();
        MergeTable table = new MergeTable(count);
        if (!(metadata.typed(MERGES) instanceof MetadataValue.Texts strings)) {
            return table;
        }
        for (int rank = 0; rank < count; rank++) {
            ByteBuffer buffer = strings.bytes(rank);
            byte[] merge = new byte[buffer.remaining()];
            buffer.get(merge);
            add(table, rank, merge);
        }
        return table;
    }

    private void add(MergeTable table, int rank, byte[] merge) {
        int blank = 1;
        while (blank < merge.length && merge[blank] != ' ') {
            blank++;
        }
        if (blank >= merge.length) {
            throw invalid(rank, merge, "has no blank between two tokens");
        }
        ensure(merge.length);
        int left = find(merge, 0, blank);
        int right = find(merge, blank + 1, merge.length);
        System.arraycopy(merge, blank + 1, merge, blank, merge.length - blank - 1);
        int merged = find(merge, 0, merge.length - 1);
        if (left < 0 || right < 0 || merged < 0) {
            String which = left < 0 ? "left token" : right < 0 ? "right token" : "merged token";
            throw invalid(rank, merge, "has a " + which + " that is not in the vocabulary");
        }
        table.add(left, right, rank, merged);
    }

    private int find(byte[] text, int from, int to) {
        int length = ByteAlphabet.decode(text, from, to, scratch);
        return length <= 0 ? TokenIndex.NONE : index.find(scratch, 0, length);
    }

    private void ensure(int length) {
        if (scratch.length < length) {
            scratch = new byte[length];
        }
    }

    private RuntimeException invalid(int rank, byte[] merge, String fault) {
        return metadata.invalid(
                MERGES, "value " + rank + " ('" + new String(merge, StandardCharsets.UTF_8) + "') " + fault);
    }
}
