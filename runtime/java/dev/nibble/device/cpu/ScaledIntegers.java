package dev.nibble.device.cpu;

import java.lang.foreign.MemorySegment;

/**
 * Panels of integers that are multiplied as they are stored.
 *
 * @param scales how their scales are stored
 * @param quants how the integers are
 */
record ScaledIntegers(ScaleForm scales, QuantForm quants) implements PanelForm {
    @Override
    public int headerBytes() {
        return scales.headerBytes();
    }

    @Override
    public int blockBytes() {
        return scales.blockBytes() + quants.blockBytes();
    }

    @Override
    public boolean hasOffsets() {
        return scales.hasOffsets();
    }

    @Override
    public QuantForm.Sums sums() {
        return quants.sums();
    }

    @Override
    public int[] pairs(QuantizedRows x) {
        return quants.pairs(x);
    }

    @Override
    public ShiftedActivations activations() {
        return quants.activations();
    }

    @Override
    public void unpack(MemorySegment tile, int offset, int blocks, TileWorkspace workspace) {
        scales.decodeHeader(tile, offset, workspace);
        for (int b = 0; b < blocks; b++) {
            int at = offset + headerBytes() + b * blockBytes();
            scales.decode(tile, offset, at, b, workspace);
            quants.unpack(tile, at + scales.blockBytes(), b, workspace);
        }
        if (hasOffsets() && quants.zero() != 0) {
            TileScaling.addBias(quants.zero(), blocks, workspace.scales, workspace.offsets);
        }
    }
}
