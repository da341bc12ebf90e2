package dev.nibble.device.cuda;

import dev.nibble.UnsupportedFeatureException;
import dev.nibble.device.Weight;
import dev.nibble.device.WeightShape;
import dev.nibble.device.WeightSource;
import dev.nibble.device.WeightUse;
import dev.nibble.device.kernel.Allocation;
import dev.nibble.device.kernel.KernelPart;
import java.util.List;

/** A weight in device memory, matrix by matrix in tiles of 32 rows, which take as many bytes as such rows take in the file. */
final class CudaWeight implements Weight, KernelPart {
    /** Rows of a tile. */
    static final int TILE_ROWS = 32;

    private final WeightShape shape;
    private final WeightUse use;
    private final Allocation memory;

    private CudaWeight(WeightShape shape, WeightUse use, Allocation memory) {
        this.shape = shape;
        this.use = use;
        this.memory = memory;
    }

    /**
     * Bytes that a weight takes.
     *
     * @param device for the message
     * @throws UnsupportedFeatureException if no kernel can read its type
     */
    static long bytes(WeightShape shape, String device) {
        if (!WeightTypes.ALL.contains(shape.type())) {
            throw new UnsupportedFeatureException("tensor " + shape.name() + " of type " + shape.type() + ": device "
                    + device + " cannot read this type; convert the model to one of " + WeightTypes.ALL);
        }
        return (long) shape.matrices() * tiles(shape) * tileBytes(shape);
    }

    /** Tiles of a matrix. */
    static int tiles(WeightShape shape) {
        return Math.ceilDiv(shape.rows(), TILE_ROWS);
    }

    static long tileBytes(WeightShape shape) {
        return TILE_ROWS * shape.rowBytes();
    }

    /** Repacks a weight while it is read. */
    static CudaWeight load(WeightSource source, WeightUse use, CudaDevice device) {
        WeightShape shape = source.shape();
        Allocation memory = device.memory().allocate(bytes(shape, device.name()), "the weight " + shape.name());
        try {
            device.staging().upload(source, memory);
            return new CudaWeight(shape, use, memory);
        } catch (RuntimeException | Error e) {
            memory.close();
            throw e;
        }
    }

    /** The tiles. */
    Allocation memory() {
        return memory;
    }

    /** Tiles of a matrix. */
    int tiles() {
        return tiles(shape);
    }

    @Override
    public List<Allocation> allocations() {
        return List.of(memory);
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
    public long bytes() {
        return memory.bytes();
    }

    @Override
    public void close() {
        memory.close();
    }
}
