package dev.nibble.device.cpu;

import dev.nibble.device.Operation;

/** {@link Operation.Quantize} for products in integers: the range is that of the whole row. */
final class FixedPointQuantizeRow implements RowWork {
    private final CpuBuffer x;
    private final FixedPointRows out;

    FixedPointQuantizeRow(Operation.Quantize operation) {
        this.x = (CpuBuffer) operation.x();
        this.out = QuantizedBuffer.content(operation.out(), FixedPointRows.class);
    }

    @Override
    public int width() {
        return x.width();
    }

    @Override
    public double cost() {
        return 1;
    }

    @Override
    public void run(int row, int begin, int end, int thread) {
        out.quantize(x.segment(), row * x.rowBytes(), row);
    }
}
