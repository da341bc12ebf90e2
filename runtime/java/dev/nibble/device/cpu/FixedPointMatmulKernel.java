package dev.nibble.device.cpu;

import dev.nibble.device.Operation;
import dev.nibble.device.Operation.Product;
import java.lang.foreign.MemorySegment;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** {@link Operation.Matmul} in integers. */
final class FixedPointMatmulKernel implements Kernel {
    private final WorkerPool pool;
    private final Live live;
    private final Operation.Matmul operation;
    private final @Nullable FixedPointInput floats;
    private final FixedPointRegion region;

    /** The rows that the region was made for. */
    private int chosen;

    FixedPointMatmulKernel(Operation.Matmul operation, CpuDevice device) {
        this.pool = device.pool();
        this.live = Live.of(operation.rows());
        this.operation = operation;
        boolean needed = operation.products().stream()
                .anyMatch(product -> product.weight().shape().takesFloats());
        CpuBuffer x = (CpuBuffer) operation.x();
        this.floats = needed ? new FixedPointInput(x, device.fixedPointRows(1, x.width())) : null;
        this.region = new FixedPointRegion(pool);
    }

    @Override
    public void run() {
        int rows = live.count();
        if (rows == 0) {
            return;
        }
        if (floats != null) {
            floats.quantize(rows, pool);
        }
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
        FixedPointRows x = weight.shape().takesFloats()
                ? Objects.requireNonNull(floats).rows()
                : QuantizedBuffer.content(Objects.requireNonNull(operation.quantized()), FixedPointRows.class);
        return new FixedPointProduct(weight, 0, x, selection, new FloatRows(out.segment(), out.rowBytes()), bias);
    }
}
