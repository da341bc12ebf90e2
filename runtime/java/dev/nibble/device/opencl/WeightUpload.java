package dev.nibble.device.opencl;

import dev.nibble.device.WeightShape;
import dev.nibble.device.WeightSource;
import dev.nibble.foreign.PosixMemory;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Brings a weight to the device, packing it in several threads while it is read. */
final class WeightUpload {
    /** Bytes that are packed at a time, and with that given to the device. */
    private static final long PIECE_BYTES = 4 << 20;

    private final OpenClDevice device;
    private final WeightSource source;
    private final WeightShape shape;
    private final WeightLayout layout;
    private final int tileBytes;

    WeightUpload(OpenClDevice device, WeightSource source, WeightLayout layout) {
        this.device = device;
        this.source = source;
        this.shape = source.shape();
        this.layout = layout;
        this.tileBytes = layout.tileBytes(shape.columns());
    }

    /** Fills an allocation. */
    void part(OpenClWeight.Part part) {
        int tiles = Math.multiplyExact(part.tiles(), part.matrices());
        int pieceTiles = (int) Math.max(1, PIECE_BYTES / tileBytes);
        device.staging().fill(part.memory(), (long) pieceTiles * tileBytes, (offset, target) -> {
            int first = (int) (offset / tileBytes);
            pack(part, first, Math.min(tiles, first + pieceTiles), target);
        });
    }

    private void pack(OpenClWeight.Part part, int firstTile, int endTile, MemorySegment target) {
        FileBlocks file = new FileBlocks(shape.type(), Math.toIntExact(shape.rowBytes()));
        PanelLines lines = new PanelLines(tileBytes);
        for (int tile = firstTile; tile < endTile; tile++) {
            int row = part.firstRow() + tile % part.tiles() * PanelLines.ROWS;
            int count = Math.min(PanelLines.ROWS, part.endRow() - row);
            int matrix = part.matrix() + tile / part.tiles();
            MemorySegment rows = source.rows((long) matrix * shape.rows() + row, count);
            for (int i = 0; i < count; i++) {
                file.row(rows, i * shape.rowBytes());
                layout.pack(file, shape.columns(), i, lines);
            }
            long to = (long) (tile - firstTile) * tileBytes;
            MemorySegment.copy(lines.bytes(), 0, target, ValueLayout.JAVA_BYTE, to, tileBytes);
            if (rows.isMapped()) {
                // The pages of a mapped file are given back, or the model would be in memory twice.
                PosixMemory.release(rows);
            }
        }
    }
}
