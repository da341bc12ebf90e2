package dev.nibble.device.cpu;

import dev.nibble.device.Operation;
import dev.nibble.device.Operation.Product;
import java.lang.foreign.MemorySegment;

/** {@link Operation.Matmul} in integers. */
final class FixedPointMatmulKernel implements Kernel {
    private final WorkerPool pool;
    private final Live live;
    private final Operation.Matmul operation;
    private final FixedPointInput input;
    private final FixedPointRegion region;

    /** The rows that the region was made for. */
    private int chosen;

    FixedPointMatmulKernel(Operation.Matmul operation, CpuDevice device) {
        this.pool = device.pool();
        this.live = Live.of(operation.rows());
        this.operation = operation;
        this.input = new FixedPointInput(operation.products(), operation.x(), operation.quantized(), device);
        this.region = new FixedPointRegion(pool);
    }

    @Override
    public void run() {
        int rows = live.count();
        if (rows == 0) {
            return;
        }
        input.quantize(rows, pool);
        if (rows != chosen) {
            region.choose(operation.products().stream()
                    .map(product -> product(product, RowSelection.first(rows)))
                    .toList());
            chosen = rows;
        }
        region.run();
    }

    private FixedPointProduct product(Product product, RowSelection selection) {
        FixedPointWeight weight = (FixedPointWeight) product.weight();
        CpuBuffer out = (CpuBuffer) product.out();
        MemorySegment bias = product.bias() == null ? null : ((CpuBuffer) product.bias()).segment();
        FixedPointRows x = input.rows(weight.shape());
        return new FixedPointProduct(weight, 0, x, selection, new FloatRows(out.segment(), out.rowBytes()), bias);
    }
}
