package dev.nibble.device.opencl;

/** Reads the blocks of a type from a model file. Where the file's fields lie: see the decoders of package {@code quant}. */
interface BlockReader {
    /**
     * Reads the quants of a block of 32 columns.
     *
     * @param file a row, at a panel of 256 columns
     * @param block which block of the panel
     * @param quants receives a byte for each column, four to an int; or the words of what stays packed
     */
    void quants(FileBlocks file, int block, int[] quants);

    /**
     * Reads the scales of a panel.
     *
     * @param file a row, at the panel
     * @param blocks blocks of 32 columns that the panel has
     * @param step bytes from block to block of the lines
     * @param lines receives the scales
     */
    void scales(FileBlocks file, int blocks, int step, PanelLines lines);
}
