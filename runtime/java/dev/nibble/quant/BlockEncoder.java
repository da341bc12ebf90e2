package dev.nibble.quant;

/** Turns values into the bytes of one block format as well. Holds no state. */
interface BlockEncoder extends BlockCodec {
    /**
     * Encodes {@code blocks} × block length values, each block so that its squared error is small.
     *
     * @param values the values, from index 0 on
     * @param weights how much the squared error of each value matters; all positive, about 1
     * @param bytes receives the blocks, from index 0 on
     */
    void encode(float[] values, float[] weights, byte[] bytes, int blocks);
}
