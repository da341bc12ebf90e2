package dev.nibble.device.opencl;

/** Where the scales of a panel of weights are; {@code opencl-kernels/blocks.cl} tells what they are. */
enum ScaleForm {
    /** A half precision scale before each block. */
    HALVES(0, PanelLines.LINE),
    /** A half precision scale and an offset before each block. */
    HALVES_AND_OFFSETS(0, 2 * PanelLines.LINE),
    /** Header: a half precision scale of all blocks. */
    HALVES_OF_PANELS(PanelLines.LINE, 0),
    /** Header: half precision d and −dmin; before a block two bytes s and m: its scale is d · s, its offset −dmin · m. */
    BYTES_AND_MINIMA(2 * PanelLines.LINE, PanelLines.LINE),
    /** Header: half precision d and for each block a signed byte s: its scale is d · s. */
    BYTES(PanelLines.LINE + PanelLines.COLUMNS, 0),
    /** Header: half precision d; before a block two signed bytes s: a half block's scale is d · s. */
    BYTES_OF_HALF_BLOCKS(PanelLines.LINE, PanelLines.LINE),
    /**
     * Header: half precision d, then s + 32 of each half block: bytes with the low four bits of two, then bytes with the high two bits
     * of four; a half block's scale is d · s.
     */
    SIX_BITS_OF_HALF_BLOCKS(PanelLines.LINE + 12 * PanelLines.ROWS, 0),
    /**
     * Header: half precision d and −dmin; before a block two bytes s + 16 m: a half block's scale is d · s, its offset −dmin · m.
     */
    NIBBLES_OF_HALF_BLOCKS(2 * PanelLines.LINE, PanelLines.LINE),
    /** Header: for each block a byte e: its scale is 2^(e − 127). */
    EXPONENTS(PanelLines.COLUMNS, 0);

    private final int headerBytes;
    private final int blockBytes;

    ScaleForm(int headerBytes, int blockBytes) {
        this.headerBytes = headerBytes;
        this.blockBytes = blockBytes;
    }

    /** Bytes at the head of a panel. */
    int headerBytes() {
        return headerBytes;
    }

    /** Bytes before the quants of each block. */
    int blockBytes() {
        return blockBytes;
    }
}
