package dev.nibble.tokenizer;

import dev.nibble.gguf.Metadata;

/** What each token adds to the text when it is decoded. */
final class TokenOutput {
    private static final String TYPES = "tokenizer.ggml.token_type";
    /** The length of {@code <0xFF>}. */
    private static final int BYTE_NAME = 6;

    private TokenOutput() {}

    /** The bytes of each token: none for control and unknown tokens. */
    static TokenBytes of(Vocabulary vocabulary, Metadata metadata) {
        TokenBytes texts = vocabulary.bytes();
        TokenBytes.Builder output = new TokenBytes.Builder(texts.size(), texts.data().length);
        byte[] decoded = new byte[vocabulary.index().longest()];
        for (int id = 0; id < texts.size(); id++) {
            switch (vocabulary.kind(id)) {
                case NORMAL -> appendNormal(vocabulary, id, decoded, output);
                case USER_DEFINED -> output.append(texts.data(), texts.start(id), texts.end(id));
                case BYTE -> output.append(parseByte(vocabulary.text(id), id, metadata));
                case CONTROL, UNKNOWN, UNUSED -> {}
            }
            output.next();
        }
        return output.build();
    }

    private static void appendNormal(Vocabulary vocabulary, int id, byte[] decoded, TokenBytes.Builder output) {
        byte[] data = vocabulary.bytes().data();
        int from = vocabulary.bytes().start(id);
        int to = vocabulary.bytes().end(id);
        if (vocabulary.scheme() != VocabularyScheme.BYTE_PAIR) {
            appendUnescaped(data, from, to, output);
            return;
        }
        int length = ByteAlphabet.decode(data, from, to, decoded, 0);
        if (length < 0) {
            output.append(data, from, to);
        } else {
            output.append(decoded, 0, length);
        }
    }

    /** Writes U+2581 as the space that it stands for. */
    private static void appendUnescaped(byte[] data, int from, int to, TokenBytes.Builder output) {
        int at = from;
        while (at < to) {
            if (at + 2 < to && data[at] == (byte) 0xE2 && data[at + 1] == (byte) 0x96 && data[at + 2] == (byte) 0x81) {
                output.append(' ');
                at += 3;
            } else {
                output.append(data[at++]);
            }
        }
    }

    private static int parseByte(String name, int id, Metadata metadata) {
        if (name.length() == BYTE_NAME && name.startsWith("<0x") && name.endsWith(">")) {
            int high = Character.digit(name.charAt(3), 16);
            int low = Character.digit(name.charAt(4), 16);
            if (high >= 0 && low >= 0) {
                return high << 4 | low;
            }
        }
        throw metadata.invalid(
                TYPES, "says that token " + id + " is a byte, but its text is '" + name + "', not <0xHH>");
    }
}
