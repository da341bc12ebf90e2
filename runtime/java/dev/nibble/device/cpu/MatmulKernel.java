package dev.nibble.device.cpu;

import dev.nibble.device.Operation;
import dev.nibble.device.Operation.Product;
import dev.nibble.device.WeightShape;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** {@link Operation.Matmul}: the tiles of all weights of the group in one parallel region. */
final class MatmulKernel implements Kernel, WorkerPool.Task, WorkerPool.Prefetch {
    /** Below so many multiplications, waking others costs more than it saves. */
    private static final long PARALLEL_ABOVE = 200_000;

    /** Bytes that a waiting thread asks for at a time, and in all: a part of its second-level cache. */
    private static final int FETCH_PIECE = 8 << 10;

    private static final int FETCH_LIMIT = 256 << 10;

    private final WorkerPool pool;
    private final Live live;
    private final @Nullable NativeKernels natives;
    private final FloatRows x;
    private final @Nullable QuantizedActivations quantized;
    private final List<Product> products;
    private final int tiles;
    private final long multiplications;

    /** One for each weight, for the number of rows that was live last. */
    private final TiledProduct[] tiled;

    private int tiledRows;

    MatmulKernel(Operation.Matmul operation, WorkerPool pool, @Nullable NativeKernels natives) {
        this.natives = natives;
        this.pool = pool;
        this.live = Live.of(operation.rows());
        this.x = floatRows((CpuBuffer) operation.x());
        this.quantized = operation.quantized() == null
                ? null
                : QuantizedBuffer.content(operation.quantized(), QuantizedActivations.class);
        this.products = operation.products();
        for (Product product : products) {
            if (!product.weight().shape().takesFloats()) {
                Objects.requireNonNull(quantized)
                        .require(product.weight().shape().type());
            }
        }
        this.tiled = new TiledProduct[products.size()];
        this.tiles = products.stream().mapToInt(MatmulKernel::tiles).sum();
        this.multiplications = products.stream()
                .mapToLong(product -> product.weight().shape().values())
                .sum();
    }

    private static FloatRows floatRows(CpuBuffer buffer) {
        return new FloatRows(buffer.segment(), buffer.rowBytes());
    }

    private static int tiles(Product product) {
        return PackedMatrix.tiles(product.weight().shape());
    }

    @Override
    public void run() {
        int rows = live.count();
        if (rows == 0) {
            return;
        }
        if (rows != tiledRows) {
            for (int i = 0; i < tiled.length; i++) {
                tiled[i] = tiled(products.get(i), rows);
            }
            tiledRows = rows;
        }
        if (rows * multiplications < PARALLEL_ABOVE) {
            run(0, tiles, 0);
        } else {
            pool.run(this, tiles);
        }
    }

    private TiledProduct tiled(Product product, int rows) {
        WeightShape shape = product.weight().shape();
        MemorySegment bias = product.bias() == null ? null : ((CpuBuffer) product.bias()).segment();
        return new TiledProduct(
                ((MatrixWeight) product.weight()).matrix(),
                shape.takesFloats() ? null : quantized,
                shape.takesFloats() ? new FloatActivations(x, natives) : null,
                RowSelection.first(rows),
                floatRows((CpuBuffer) product.out()),
                bias);
    }

    @Override
    public void run(int begin, int end, int thread) {
        int first = 0;
        for (int i = 0; i < tiled.length; i++) {
            int count = tiles(products.get(i));
            int from = Math.max(begin - first, 0);
            int to = Math.min(end - first, count);
            if (from < to) {
                tiled[i].compute(from, to);
            }
            first += count;
        }
    }

    @Override
    public boolean fetch(int thread, int piece) {
        long from = (long) piece * FETCH_PIECE;
        if (natives == null || from >= FETCH_LIMIT) {
            return false;
        }
        int part = pool.firstPart(thread, tiles);
        int product = 0;
        while (part >= tiles(products.get(product))) {
            part -= tiles(products.get(product));
            product++;
        }
        PackedMatrix matrix = ((MatrixWeight) products.get(product).weight()).matrix();
        long at = (long) part * PackedMatrix.tileBytes(matrix.shape()) + from;
        long bytes = Math.min(FETCH_PIECE, matrix.data().byteSize() - at);
        if (bytes <= 0) {
            return false;
        }
        natives.prefetch(matrix.data().address() + at, bytes);
        return true;
    }
}
