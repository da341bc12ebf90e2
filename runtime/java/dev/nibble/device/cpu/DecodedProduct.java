package dev.nibble.device.cpu;

import dev.nibble.device.Operation;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;
import org.jspecify.annotations.Nullable;

/** One weight of a product, decoded row by row. */
final class DecodedProduct {
    static final int TILE = 32;

    final MatrixWeight weight;
    private final @Nullable CpuBuffer bias;
    private final CpuBuffer out;
    private final CpuBuffer x;
    private final @Nullable QuantizedRows quantized;

    DecodedProduct(Operation.Product product, CpuBuffer x, @Nullable QuantizedBuffer quantized) {
        this.weight = (MatrixWeight) product.weight();
        this.bias = (CpuBuffer) product.bias();
        this.out = (CpuBuffer) product.out();
        this.x = x;
        this.quantized = quantized == null || weight.shape().takesFloats() ? null : quantized.content();
    }

    int tiles() {
        return Math.ceilDiv(weight.shape().rows(), TILE);
    }

    /** One tile of one matrix with one row of activations, columns from {@code column} on; to outputs from {@code at} on. */
    void run(int tile, int matrix, int row, int column, int outColumn, float[] scratch) {
        int rows = weight.shape().rows();
        for (int i = tile * TILE; i < Math.min(rows, (tile + 1) * TILE); i++) {
            weight.decode((long) matrix * rows + i, scratch);
            float sum = bias == null ? 0 : Rows.get(bias.segment(), i * 4L);
            sum += quantized == null
                    ? dot(scratch, x.segment(), row * x.rowBytes() + column * 4L)
                    : dot(scratch, quantized, row * quantized.columns() + column);
            Rows.set(out.segment(), row * out.rowBytes() + (outColumn + i) * 4L, sum);
        }
    }

    private float dot(float[] w, MemorySegment x, long at) {
        FloatVector sum = FloatVector.zero(Lanes.FLOATS);
        int count = weight.shape().columns();
        int whole = Rows.whole(count);
        for (int i = 0; i < whole; i += Lanes.COUNT) {
            sum = FloatVector.fromArray(Lanes.FLOATS, w, i).fma(Rows.load(x, at + i * 4L), sum);
        }
        float total = sum.reduceLanes(VectorOperators.ADD);
        for (int i = whole; i < count; i++) {
            total += w[i] * Rows.get(x, at + i * 4L);
        }
        return total;
    }

    private float dot(float[] w, QuantizedRows x, int at) {
        float total = 0;
        for (int block = 0; block < weight.shape().columns(); block += 32) {
            FloatVector sum = FloatVector.zero(Lanes.FLOATS);
            for (int i = 0; i < 32; i += Lanes.COUNT) {
                sum = FloatVector.fromArray(Lanes.FLOATS, w, block + i)
                        .fma(FloatVector.fromArray(Lanes.FLOATS, x.integers, at + block + i), sum);
            }
            total += sum.reduceLanes(VectorOperators.ADD) * x.scales[(at + block) / 32];
        }
        return total;
    }
}
