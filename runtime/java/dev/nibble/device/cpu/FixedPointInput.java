package dev.nibble.device.cpu;

import dev.nibble.device.Buffer;
import dev.nibble.device.Operation.Product;
import dev.nibble.device.WeightShape;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The input of products in integers. For weights of integers, an operation before has quantized it. For weights of floats none has:
 * it is quantized when the product runs, into rows that all products of such inputs on the device share.
 */
final class FixedPointInput {
    /** Below so many values, waking others costs more than it saves. */
    private static final int PARALLEL_ABOVE = 12_000;

    private final CpuBuffer x;
    private final @Nullable FixedPointRows quantized;
    private final @Nullable FixedPointRows late;

    /**
     * The input of products.
     *
     * @param x the rows of floats
     * @param quantized the same quantized; null if no product needs them
     */
    FixedPointInput(List<Product> products, Buffer x, @Nullable Buffer quantized, CpuDevice device) {
        int columns = products.getFirst().weight().shape().columns();
        boolean floats =
                products.stream().anyMatch(product -> product.weight().shape().takesFloats());
        this.x = (CpuBuffer) x;
        this.quantized = quantized == null
                ? null
                : QuantizedBuffer.content(quantized, FixedPointRows.class).reshaped(columns);
        this.late = floats ? device.fixedPointRows(x.width() / columns, columns) : null;
    }

    /** What a weight is multiplied by. */
    FixedPointRows rows(WeightShape weight) {
        return Objects.requireNonNull(weight.takesFloats() ? late : quantized);
    }

    /** Quantizes the first rows, where no operation has. */
    void quantize(int count, WorkerPool pool) {
        if (late == null) {
            return;
        }
        late.reserve(count);
        if ((long) count * x.width() < PARALLEL_ABOVE) {
            quantize(late, 0, count);
        } else {
            pool.run((begin, end, thread) -> quantize(late, begin, end), count);
        }
    }

    private void quantize(FixedPointRows rows, int begin, int end) {
        MemorySegment floats = x.segment();
        for (int row = begin; row < end; row++) {
            rows.quantize(floats, row * x.rowBytes(), row);
        }
    }
}
