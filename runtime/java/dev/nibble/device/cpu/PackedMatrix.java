package dev.nibble.device.cpu;

import dev.nibble.device.WeightShape;
import dev.nibble.device.WeightSource;
import dev.nibble.gguf.TensorType;
import dev.nibble.quant.BlockFormat;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Optional;

/**
 * Weights in the order in which the kernels read them: tiles of 32 rows, the unit of parallel work. Types with a {@link
 * TileLayout} are stored by it; all others keep the blocks of the file and are decoded on the fly. The tiles of several matrices
 * (experts) follow one another; each matrix begins with a new tile.
 *
 * @param shape the weights
 * @param data the packed weights; begins on a multiple of 64 bytes
 */
record PackedMatrix(WeightShape shape, MemorySegment data) {
    /** Rows of a tile. */
    static final int TILE_ROWS = 32;

    /** Columns of a panel. */
    static final int PANEL = 256;

    private static final int BLOCK = QuantizedRows.BLOCK;

    /** Checks that the memory is large enough. */
    PackedMatrix {
        if (data.byteSize() < packedBytes(shape)) {
            throw new IllegalArgumentException(
                    shape.name() + " takes " + packedBytes(shape) + " bytes packed, not " + data.byteSize());
        }
    }

    /** How the integers of a type are laid out; empty for a type that is decoded on the fly. */
    static Optional<TileLayout> layoutFor(TensorType type) {
        return TileLayout.of(type);
    }

    /** Whether products with this type are possible. */
    static boolean supports(TensorType type) {
        return layoutFor(type).isPresent() || BlockFormat.isDecodable(type);
    }

    /** Bytes that the weights take packed. */
    static long packedBytes(WeightShape shape) {
        if (layoutFor(shape.type()).isEmpty()) {
            return shape.bytes();
        }
        return (long) shape.matrices() * tilesPerMatrix(shape) * tileBytes(shape);
    }

    /** Tiles of one matrix. */
    static int tilesPerMatrix(WeightShape shape) {
        return Math.ceilDiv(shape.rows(), TILE_ROWS);
    }

    /** Tiles of all matrices together. */
    static int tiles(WeightShape shape) {
        return Math.multiplyExact(shape.matrices(), tilesPerMatrix(shape));
    }

    /** Bytes of a whole tile. */
    static int tileBytes(WeightShape shape) {
        Optional<TileLayout> layout = layoutFor(shape.type());
        if (layout.isEmpty()) {
            return Math.toIntExact(TILE_ROWS * shape.rowBytes());
        }
        int panels = shape.columns() / PANEL;
        int rest = shape.columns() % PANEL / BLOCK;
        long bytes = (long) panels * layout.get().panelBytes(PANEL / BLOCK)
                + (rest == 0 ? 0 : layout.get().panelBytes(rest));
        return Math.toIntExact(bytes);
    }

    /** The number of rows in a tile; those of a matrix's last tile may be fewer than 32. */
    int rowsOf(int tile) {
        return Math.min(TILE_ROWS, shape.rows() - firstRowOf(tile));
    }

    /** The first row of a tile, counted in its matrix. */
    int firstRowOf(int tile) {
        return tile % tilesPerMatrix(shape) * TILE_ROWS;
    }

    /** The memory of a tile. */
    MemorySegment tile(int tile) {
        if (layoutFor(shape.type()).isEmpty()) {
            long row = (long) tile / tilesPerMatrix(shape) * shape.rows() + firstRowOf(tile);
            return data.asSlice(row * shape.rowBytes(), rowsOf(tile) * shape.rowBytes());
        }
        int bytes = tileBytes(shape);
        return data.asSlice((long) tile * bytes, bytes);
    }

    /**
     * Packs tiles. Threads may pack different tiles at the same time.
     *
     * @param source the weights as the file stores them
     * @param firstTile the first tile
     * @param endTile the tile after the last
     */
    void pack(WeightSource source, int firstTile, int endTile) {
        Optional<TileLayout> layout = layoutFor(shape.type());
        PanelWords panel = new PanelWords();
        FileRows file = new FileRows();
        for (int tile = firstTile; tile < endTile; tile++) {
            long row = (long) tile / tilesPerMatrix(shape) * shape.rows() + firstRowOf(tile);
            MemorySegment rows = source.rows(row, rowsOf(tile));
            if (layout.isPresent()) {
                file.copy(rows);
                pack(layout.get(), file, rowsOf(tile), panel, tile(tile));
            } else {
                MemorySegment.copy(rows, 0, tile(tile), 0, rowsOf(tile) * shape.rowBytes());
            }
        }
    }

    private void pack(TileLayout layout, FileRows rows, int count, PanelWords panel, MemorySegment tile) {
        long offset = 0;
        for (int column = 0; column < shape.columns(); column += PANEL) {
            int blocks = Math.min(PANEL, shape.columns() - column) / BLOCK;
            int bytes = layout.panelBytes(blocks);
            panel.clear(bytes);
            for (int row = 0; row < count; row++) {
                panel.row(row);
                rows.position(row * shape.rowBytes() + shape.type().rowBytes(column));
                layout.packer().pack(rows, blocks, panel);
            }
            MemorySegment.copy(panel.words(), 0, tile, ValueLayout.JAVA_INT, offset, bytes / Integer.BYTES);
            offset += bytes;
        }
    }
}
