package dev.nibble.device.opencl;

import dev.nibble.device.Weight;
import dev.nibble.device.WeightShape;
import dev.nibble.device.WeightSource;
import dev.nibble.device.WeightUse;
import dev.nibble.device.kernel.Allocation;
import dev.nibble.device.kernel.KernelPart;
import dev.nibble.device.kernel.Memory;
import java.util.ArrayList;
import java.util.List;

/** A weight in device memory, in tiles of 32 rows: in several allocations where the device cannot make one so large. */
final class OpenClWeight implements Weight, KernelPart {
    /**
     * Whole matrices, or whole tiles of the only one, in one allocation.
     *
     * @param memory the tiles
     * @param matrix the first matrix
     * @param matrices how many there are
     * @param firstRow the first row of each matrix
     * @param endRow the row after the last of each matrix
     */
    record Part(Allocation memory, int matrix, int matrices, int firstRow, int endRow) {
        /** Tiles of a matrix. */
        int tiles() {
            return Math.ceilDiv(endRow - firstRow, PanelLines.ROWS);
        }
    }

    private final WeightShape shape;
    private final WeightUse use;
    private final WeightLayout layout;
    private final List<Part> parts;

    private OpenClWeight(WeightShape shape, WeightUse use, WeightLayout layout, List<Part> parts) {
        this.shape = shape;
        this.use = use;
        this.layout = layout;
        this.parts = List.copyOf(parts);
    }

    /** Bytes that a weight takes. */
    static long bytes(WeightShape shape, WeightLayout layout) {
        return matrixBytes(shape, layout) * shape.matrices();
    }

    private static long matrixBytes(WeightShape shape, WeightLayout layout) {
        return (long) Math.ceilDiv(shape.rows(), PanelLines.ROWS) * layout.tileBytes(shape.columns());
    }

    /**
     * Packs a weight while it is read.
     *
     * @param device where its memory comes from
     */
    static OpenClWeight load(WeightSource source, WeightUse use, WeightLayout layout, OpenClDevice device) {
        List<Part> parts = new ArrayList<>();
        try {
            allocate(source.shape(), layout, device.memory(), parts);
            WeightUpload upload = new WeightUpload(device, source, layout);
            parts.forEach(upload::part);
            return new OpenClWeight(source.shape(), use, layout, parts);
        } catch (RuntimeException | Error e) {
            parts.forEach(part -> part.memory().close());
            throw e;
        }
    }

    private static void allocate(WeightShape shape, WeightLayout layout, Memory memory, List<Part> parts) {
        long largest = memory.largest();
        String what = "the weight " + shape.name();
        if (shape.matrices() > 1) {
            long matrixBytes = matrixBytes(shape, layout);
            int fitting = (int) Math.max(1, Math.min(shape.matrices(), largest / matrixBytes));
            for (int matrix = 0; matrix < shape.matrices(); matrix += fitting) {
                int count = Math.min(fitting, shape.matrices() - matrix);
                parts.add(new Part(memory.allocate(count * matrixBytes, what), matrix, count, 0, shape.rows()));
            }
            return;
        }
        int tileBytes = layout.tileBytes(shape.columns());
        long fitting = Math.max(1, Math.min(Integer.MAX_VALUE / PanelLines.ROWS, largest / tileBytes));
        for (int row = 0; row < shape.rows(); ) {
            int end = (int) Math.min(shape.rows(), row + fitting * PanelLines.ROWS);
            long tiles = Math.ceilDiv(end - row, PanelLines.ROWS);
            parts.add(new Part(memory.allocate(tiles * tileBytes, what), 0, 1, row, end));
            row = end;
        }
    }

    WeightLayout layout() {
        return layout;
    }

    List<Part> parts() {
        return parts;
    }

    @Override
    public List<Allocation> allocations() {
        return parts.stream().map(Part::memory).toList();
    }

    @Override
    public WeightShape shape() {
        return shape;
    }

    @Override
    public WeightUse use() {
        return use;
    }

    @Override
    public boolean serves(WeightUse other) {
        return true;
    }

    @Override
    public long bytes() {
        return bytes(shape, layout);
    }

    @Override
    public void close() {
        parts.forEach(part -> part.memory().close());
    }
}
