package dev.nibble.device.cpu;

import dev.nibble.device.Operation;

/** {@link Operation.Matmul}: the tiles of all weights of the group in one parallel region. */
final class MatmulKernel implements Kernel, WorkerPool.Task {
    private final WorkerPool pool;
    private final Live live;
    private final DecodedProduct[] products;
    private final int tiles;
    private final float[][] scratch;

    MatmulKernel(Operation.Matmul operation, WorkerPool pool) {
        this.pool = pool;
        this.live = Live.of(operation.rows());
        this.products = operation.products().stream()
                .map(product ->
                        new DecodedProduct(product, (CpuBuffer) operation.x(), (QuantizedBuffer) operation.quantized()))
                .toArray(DecodedProduct[]::new);
        int sum = 0;
        for (DecodedProduct product : products) {
            sum += product.tiles();
        }
        this.tiles = sum;
        this.scratch = new float[pool.threads()][operation.x().width()];
    }

    @Override
    public void run() {
        if (live.count() > 0) {
            pool.run(this, tiles);
        }
    }

    @Override
    public void run(int begin, int end, int thread) {
        int rows = live.count();
        for (int part = begin; part < end; part++) {
            int tile = part;
            int product = 0;
            while (tile >= products[product].tiles()) {
                tile -= products[product++].tiles();
            }
            for (int row = 0; row < rows; row++) {
                products[product].run(tile, 0, row, 0, 0, scratch[thread]);
            }
        }
    }
}
