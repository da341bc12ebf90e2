package dev.nibble.device.cpu;

import java.lang.foreign.MemorySegment;

/** How the scales of a panel are stored, before its integers. */
enum ScaleForm {
    /** Half precision, one line per block of 32. */
    HALF(1, 0, false) {
        @Override
        void decode(MemorySegment tile, int offset, int blocks, TileWorkspace workspace) {
            HalfFloats.widen(tile, offset, workspace.scales, 0, blocks * PackedMatrix.TILE_ROWS);
        }
    };

    private final int linesPerBlock;
    private final int linesPerPanel;
    private final boolean hasMinima;

    ScaleForm(int linesPerBlock, int linesPerPanel, boolean hasMinima) {
        this.linesPerBlock = linesPerBlock;
        this.linesPerPanel = linesPerPanel;
        this.hasMinima = hasMinima;
    }

    /** Lines of 64 bytes that the scales of a panel take. */
    int lines(int blocks) {
        return linesPerPanel + blocks * linesPerBlock;
    }

    /** Whether each weight is an integer times a scale, less a minimum. */
    boolean hasMinima() {
        return hasMinima;
    }

    /**
     * Turns the scales (and minima) of a panel into floats.
     *
     * @param tile the packed tile
     * @param offset where the panel begins in it
     * @param blocks blocks of 32 columns in the panel
     * @param workspace receives scales and minima
     */
    abstract void decode(MemorySegment tile, int offset, int blocks, TileWorkspace workspace);
}
