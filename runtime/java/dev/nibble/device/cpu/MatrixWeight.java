package dev.nibble.device.cpu;

import dev.nibble.device.Weight;
import dev.nibble.device.WeightShape;
import dev.nibble.device.WeightSource;
import dev.nibble.device.WeightUse;
import dev.nibble.foreign.PosixMemory;
import java.lang.foreign.MemorySegment;

/** A weight to multiply by, packed once. */
final class MatrixWeight implements Weight {
    private final PackedMatrix matrix;
    private final WeightMemory.Part memory;

    private MatrixWeight(PackedMatrix matrix, WeightMemory.Part memory) {
        this.matrix = matrix;
        this.memory = memory;
    }

    /** Packs a weight on all threads. */
    static MatrixWeight load(WeightSource source, WorkerPool pool, WeightMemory memory) {
        WeightShape shape = source.shape();
        WeightMemory.Part packed = memory.allocate(PackedMatrix.packedBytes(shape), "the weight " + shape.name());
        try {
            PackedMatrix matrix = new PackedMatrix(shape, packed.segment());
            pool.run((begin, end, thread) -> pack(matrix, source, begin, end), PackedMatrix.tiles(shape));
            return new MatrixWeight(matrix, packed);
        } catch (RuntimeException | Error e) {
            packed.close();
            throw e;
        }
    }

    /** Packs some tiles. Then the pages of a mapped file are given back, or the model would be resident twice. */
    private static void pack(PackedMatrix matrix, WeightSource source, int begin, int end) {
        matrix.pack(source, begin, end);
        long first = firstRow(matrix, begin);
        if (source.rows(first, 1).isMapped()) {
            int last = end - 1;
            MemorySegment done =
                    source.rows(first, Math.toIntExact(firstRow(matrix, last) + matrix.rowsOf(last) - first));
            PosixMemory.release(done);
        }
    }

    private static long firstRow(PackedMatrix matrix, int tile) {
        WeightShape shape = matrix.shape();
        return (long) tile / PackedMatrix.tilesPerMatrix(shape) * shape.rows() + matrix.firstRowOf(tile);
    }

    PackedMatrix matrix() {
        return matrix;
    }

    @Override
    public WeightShape shape() {
        return matrix.shape();
    }

    @Override
    public WeightUse use() {
        return WeightUse.MATRIX;
    }

    @Override
    public long bytes() {
        return memory.segment().byteSize();
    }

    @Override
    public void close() {
        memory.close();
    }
}
