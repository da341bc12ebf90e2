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
    private final WeightShape shape;
    private final WeightUse use;
    private final WeightLayout layout;
    private final WeightStaging staging;
    private final Allocation memory;

    private CudaWeight(
            WeightShape shape, WeightUse use, WeightLayout layout, WeightStaging staging, Allocation memory) {
        this.shape = shape;
        this.use = use;
        this.layout = layout;
        this.staging = staging;
        this.memory = memory;
    }

    /**
     * Bytes that a weight takes.
     *
     * @param device for the message
     * @throws UnsupportedFeatureException if no kernel can read its type
     */
    static long bytes(WeightShape shape, String device) {
        layout(shape, device);
        return (long) shape.matrices() * tiles(shape) * WeightLayout.tileBytes(shape.type(), shape.columns());
    }

    private static WeightLayout layout(WeightShape shape, String device) {
        return WeightLayout.of(shape.type())
                .orElseThrow(() -> new UnsupportedFeatureException("tensor " + shape.name() + " of type "
                        + shape.type() + ": device " + device + " cannot read this type; convert the model to one of "
                        + WeightLayout.types()));
    }

    /** Tiles of a matrix. */
    static int tiles(WeightShape shape) {
        return Math.ceilDiv(shape.rows(), WeightLayout.TILE_ROWS);
    }

    /** Repacks a weight while it is read. */
    static CudaWeight load(WeightSource source, WeightUse use, CudaDevice device) {
        WeightShape shape = source.shape();
        WeightLayout layout = layout(shape, device.name());
        Allocation memory = device.memory().allocate(bytes(shape, device.name()), "the weight " + shape.name());
        try {
            device.staging().upload(source, layout, memory);
            return new CudaWeight(shape, use, layout, device.staging(), memory);
        } catch (RuntimeException | Error e) {
            memory.close();
            device.staging().release();
            throw e;
        }
    }

    /** A weight of zeros, to measure with. */
    static CudaWeight zeros(WeightShape shape, CudaDevice device) {
        Allocation memory = device.memory().allocate(bytes(shape, device.name()), "the weight " + shape.name());
        device.queue().fill(memory, 0);
        return new CudaWeight(shape, WeightUse.MATRIX, layout(shape, device.name()), device.staging(), memory);
    }

    WeightLayout layout() {
        return layout;
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
    public boolean serves(WeightUse other) {
        return true;
    }

    @Override
    public long bytes() {
        return memory.bytes();
    }

    /** Whoever closes a weight does not go on loading: if a load failed, its way is freed with what came so far. */
    @Override
    public void close() {
        memory.close();
        staging.release();
    }
}
