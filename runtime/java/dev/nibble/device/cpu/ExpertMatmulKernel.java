package dev.nibble.device.cpu;

import dev.nibble.device.Operation;

/** {@link Operation.ExpertMatmul}. */
final class ExpertMatmulKernel implements Kernel, WorkerPool.Task {
    private final WorkerPool pool;
    private final Live live;
    private final CpuBuffer ids;
    private final CpuBuffer x;
    private final DecodedProduct[] products;
    private final float[][] scratch;

    ExpertMatmulKernel(Operation.ExpertMatmul operation, WorkerPool pool) {
        this.pool = pool;
        this.live = Live.of(operation.rows());
        this.ids = (CpuBuffer) operation.ids();
        this.x = (CpuBuffer) operation.x();
        this.products = operation.products().stream()
                .map(product ->
                        new DecodedProduct(product, (CpuBuffer) operation.x(), (QuantizedBuffer) operation.quantized()))
                .toArray(DecodedProduct[]::new);
        this.scratch = new float[pool.threads()][operation.x().width()];
    }

    @Override
    public void run() {
        pool.run(this, live.count() * ids.width());
    }

    @Override
    public void run(int begin, int end, int thread) {
        for (int part = begin; part < end; part++) {
            int row = part / ids.width();
            int choice = part % ids.width();
            for (DecodedProduct product : products) {
                int columns = product.weight.shape().columns();
                int column = columns == x.width() ? 0 : choice * columns;
                for (int tile = 0; tile < product.tiles(); tile++) {
                    product.run(
                            tile,
                            ids.integer(part),
                            row,
                            column,
                            choice * product.weight.shape().rows(),
                            scratch[thread]);
                }
            }
        }
    }
}
