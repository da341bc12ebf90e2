package dev.nibble.device.cpu;

import java.lang.foreign.MemorySegment;

/**
 * A kernel that multiplies a panel of one kind of weights by one token. Such products are limited by memory, and the order of reading
 * counts: with all scales of a panel before its integers, read block by block, a product streamed at a third of the rate that it has
 * with the scales of each block before its integers.
 */
@FunctionalInterface
interface TokenProduct {
    /**
     * Adds the products to the first token's results.
     *
     * @param tile the packed tile
     * @param offset where the panel begins in it
     * @param blocks blocks of 32 columns in the panel
     * @param x activations
     * @param block the block of {@code x} that meets the first of the panel
     * @param workspace receives the results
     */
    void multiply(MemorySegment tile, int offset, int blocks, QuantizedRows x, int block, TileWorkspace workspace);
}
