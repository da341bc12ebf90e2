package dev.nibble.quant;

/**
 * Turns the bytes of one block format into values and, where there is an encoder, values into bytes. Holds no state.
 */
interface BlockCodec {
    /**
     * Decodes {@code blocks} consecutive blocks.
     *
     * @param bytes the blocks, from index 0 on
     * @param values receives {@code blocks} × block length values, from {@code at} on
     */
    void decode(byte[] bytes, float[] values, int at, int blocks);

    /** Whether {@link #encode} works. */
    default boolean isEncodable() {
        return false;
    }

    /**
     * Encodes {@code blocks} × block length values, each block so that its squared error is small.
     *
     * @param values the values, from index 0 on
     * @param weights how much the squared error of each value matters; all positive, about 1
     * @param bytes receives the blocks, from index 0 on
     */
    default void encode(float[] values, float[] weights, byte[] bytes, int blocks) {
        throw new IllegalStateException("no encoder: ask isEncodable() first");
    }
}
