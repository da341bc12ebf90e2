package dev.nibble.device.cpu;

import dev.nibble.device.Operation;

/** {@link Operation.Quantize}. */
final class QuantizeRow implements RowWork {
    private final CpuBuffer x;
    private final QuantizedActivations out;

    QuantizeRow(Operation.Quantize operation) {
        this.x = (CpuBuffer) operation.x();
        this.out = QuantizedBuffer.content(operation.out(), QuantizedActivations.class);
    }

    @Override
    public int width() {
        return x.width();
    }

    @Override
    public double cost() {
        return 0.4;
    }

    @Override
    public boolean columnwise() {
        return true;
    }

    @Override
    public void run(int row, int begin, int end, int thread) {
        out.quantize(x.segment(), row * x.rowBytes(), row, begin, end);
    }
}
