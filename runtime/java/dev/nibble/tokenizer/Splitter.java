package dev.nibble.tokenizer;

/** One pass of a pre-tokenizer: cuts a fragment of text into pieces, none empty, that together are the fragment. */
interface Splitter {
    /**
     * @param text UTF-8
     * @param from where the fragment begins
     * @param to where it ends; nothing outside the fragment is looked at
     * @param pieces is given each piece in order
     */
    void split(byte[] text, int from, int to, Pieces pieces);

    /** Takes the pieces of a fragment. */
    interface Pieces {
        /** The piece of the text from {@code from} to {@code to}. */
        void piece(byte[] text, int from, int to);
    }
}
