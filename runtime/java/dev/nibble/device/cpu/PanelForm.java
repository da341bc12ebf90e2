package dev.nibble.device.cpu;

import java.lang.foreign.MemorySegment;

/** How a panel of a tile is stored: what stands at its head, and the blocks of 32 columns that follow. */
sealed interface PanelForm permits ScaledIntegers, GridForm {
    /** Bytes at the head of a panel. */
    int headerBytes();

    /** Bytes of a block with what belongs to it alone. */
    int blockBytes();

    /** Whether weights have offsets. */
    boolean hasOffsets();

    /** What the dot products of unpacked weights are. */
    QuantForm.Sums sums();

    /** The pairs of activations that unpacked pairs meet. */
    int[] pairs(QuantizedRows x);

    /** What one token's activations must be brought to. */
    ShiftedActivations activations();

    /**
     * Unpacks a panel for products with several tokens.
     *
     * @param tile the packed tile
     * @param offset where the panel begins in it
     * @param blocks blocks of 32 columns in the panel
     * @param workspace receives weights, scales and offsets
     */
    void unpack(MemorySegment tile, int offset, int blocks, TileWorkspace workspace);
}
