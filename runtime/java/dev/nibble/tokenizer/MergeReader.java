package dev.nibble.tokenizer;

import dev.nibble.InvalidModelException;
import dev.nibble.gguf.Metadata;
import dev.nibble.gguf.MetadataValue;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/** Reads the tables of byte-pair encoding: the bytes of each token, and the merges. */
final class MergeReader {
    private static final String MERGES = "tokenizer.ggml.merges";

    private final Metadata metadata;
    private final TokenIndex index;
    /** Whether the file writes bytes in the byte alphabet. */
    private final boolean byteLevel;
    /** Room for the bytes of a whole merge. */
    private byte[] scratch = new byte[64];

    /** For merges of characters. @param index finds a token by its text */
    MergeReader(Metadata metadata, TokenIndex index) {
        this.metadata = metadata;
        this.index = index;
        byteLevel = false;
    }

    /** For merges of bytes. @param texts the tokens as the file writes them */
    MergeReader(Metadata metadata, TokenBytes texts) {
        this.metadata = metadata;
        byteLevel = true;
        TokenBytes.Builder decoded = new TokenBytes.Builder(texts.size(), texts.data().length);
        for (int id = 0; id < texts.size(); id++) {
            ensure(texts.length(id));
            int length = ByteAlphabet.decode(texts.data(), texts.start(id), texts.end(id), scratch, 0);
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
        byte[] text = new byte[64];
        for (int rank = 0; rank < count; rank++) {
            ByteBuffer merge = strings.bytes(rank);
            int length = merge.remaining();
            text = length > text.length ? new byte[length] : text;
            merge.get(text, 0, length);
            ensure(length);
            add(table, rank, text, length);
        }
        return table;
    }

    private void add(MergeTable table, int rank, byte[] merge, int length) {
        int blank = 1;
        while (blank < length && merge[blank] != ' ') {
            blank++;
        }
        if (blank >= length) {
            throw invalid(rank, merge, length, "has no blank between two tokens");
        }
        int middle = decode(merge, 0, blank, 0);
        int left = find(0, middle);
        if (left < 0) {
            throw invalid(rank, merge, length, "has a left token that is not in the vocabulary");
        }
        int end = decode(merge, blank + 1, length, middle);
        int right = find(middle, end);
        if (right < 0) {
            throw invalid(rank, merge, length, "has a right token that is not in the vocabulary");
        }
        int merged = find(0, end);
        if (merged < 0) {
            throw invalid(rank, merge, length, "makes a token that is not in the vocabulary");
        }
        table.add(left, right, rank, merged);
    }

    /** Writes the bytes for which a text stands to the scratch bytes; returns where they end, -1 if it stands for none. */
    private int decode(byte[] text, int from, int to, int start) {
        if (byteLevel) {
            return ByteAlphabet.decode(text, from, to, scratch, start);
        }
        System.arraycopy(text, from, scratch, start, to - from);
        return start + to - from;
    }

    /** The token that is this part of the scratch bytes; an empty part is none. */
    private int find(int from, int to) {
        return to <= from ? TokenIndex.NONE : index.find(scratch, from, to);
    }

    private void ensure(int length) {
        if (scratch.length < length) {
            scratch = new byte[length];
        }
    }

    private InvalidModelException invalid(int rank, byte[] merge, int length, String fault) {
        String text = new String(merge, 0, length, StandardCharsets.UTF_8);
        return metadata.invalid(MERGES, "value " + rank + " ('" + text + "') " + fault);
    }
}
