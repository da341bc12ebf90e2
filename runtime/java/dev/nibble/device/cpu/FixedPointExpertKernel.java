package dev.nibble.device.cpu;

import dev.nibble.device.Operation;
import dev.nibble.device.Operation.Product;
import dev.nibble.device.WeightShape;
import java.util.ArrayList;
import java.util.List;

/** {@link Operation.ExpertMatmul} in integers. */
final class FixedPointExpertKernel implements Kernel {
    private final WorkerPool pool;
    private final Operation.ExpertMatmul operation;
    private final Live live;
    private final ExpertChoices choices;
    private final FixedPointInput input;
    private final FixedPointRegion region;

    FixedPointExpertKernel(Operation.ExpertMatmul operation, CpuDevice device) {
        this.pool = device.pool();
        this.operation = operation;
        this.live = Live.of(operation.rows());
        WeightShape shape = operation.products().getFirst().weight().shape();
        boolean shared = operation.x().width() == shape.columns();
        this.choices = new ExpertChoices((CpuBuffer) operation.ids(), shape.matrices(), shared);
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
        choices.sort(rows);
        List<FixedPointProduct> products = new ArrayList<>();
        for (int expert = 0; expert < choices.experts(); expert++) {
            RowSelection selection = choices.of(expert);
            for (Product product : operation.products()) {
                if (selection.count() > 0) {
                    products.add(product(product, expert, selection));
                }
            }
        }
        region.choose(products);
        region.run();
    }

    private FixedPointProduct product(Product product, int expert, RowSelection selection) {
        FixedPointWeight weight = (FixedPointWeight) product.weight();
        WeightShape shape = weight.shape();
        FloatRows out = new FloatRows(((CpuBuffer) product.out()).segment(), (long) Float.BYTES * shape.rows());
        return new FixedPointProduct(weight, expert, input.rows(shape), selection, out, null);
    }
}
