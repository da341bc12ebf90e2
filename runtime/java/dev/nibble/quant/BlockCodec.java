package dev.nibble.quant;

/** Turns the bytes of one block format into values. Holds no state. */
interface BlockCodec {
    /**
     * Decodes {@code blocks} consecutive blocks.
     *
     * @param bytes the blocks, from index 0 on
     * @param values receives {@code blocks} × block length values, from {@code at} on
     */
    void decode(byte[] bytes, float[] values, int at, int blocks);
}
