package dev.nibble.device.reference;

import dev.nibble.device.Buffer;
import dev.nibble.device.Operation.Matmul;
import dev.nibble.device.Operation.Product;
import dev.nibble.device.Operation.Quantize;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** Quantized activations and the products that read them. */
final class MatmulKernels {
    private MatmulKernels() {}

    static void quantize(Quantize quantize, Rows rows) {
        float[] x = ReferenceBuffer.floats(quantize.x());
        int count = rows.count() * quantize.x().width();
        switch (((ReferenceBuffer) quantize.out()).content()) {
            case Quants quants -> {
                for (int at = 0; at < count; at += Quants.BLOCK) {
                    quants.quantize(x, at);
                }
            }
            case AffineRows affine -> {
                for (int row = 0; row < rows.count(); row++) {
                    affine.quantize(x, row);
                }
            }
            case float[] exact -> System.arraycopy(x, 0, exact, 0, count);
            default -> throw new IllegalStateException("no quantized content");
        }
    }

    static void matmul(Matmul matmul, Rows rows, Workers workers) {
        for (Product product : matmul.products()) {
            ReferenceWeight weight = (ReferenceWeight) product.weight();
            float @Nullable [] bias = product.bias() == null ? null : ReferenceBuffer.floats(product.bias());
            float[] out = ReferenceBuffer.floats(product.out());
            int columns = weight.shape().columns();
            int width = weight.shape().rows();
            if (weight.isFixedPoint()) {
                int n = rows.count();
                int[] at = IntStream.range(0, n).map(row -> row * columns).toArray();
                int[] to = IntStream.range(0, n).map(row -> row * width).toArray();
                FixedPointProduct.of(weight, matmul.x(), matmul.quantized(), n, workers)
                        .multiply(0, new FixedPointProduct.Places(at, to), bias, out);
                continue;
            }
            Object input = input(weight, matmul.x(), matmul.quantized());
            workers.split(width, (from, to) -> {
                float[] values = new float[columns];
                for (int i = from; i < to; i++) {
                    weight.decode(i, values);
                    for (int row = 0; row < rows.count(); row++) {
                        double sum = dot(values, input, row * columns);
                        out[row * width + i] = (float) (bias == null ? sum : sum + bias[i]);
                    }
                }
            });
        }
    }

    /** What a weight is multiplied with: float[] or {@link Quants}. */
    static Object input(ReferenceWeight weight, Buffer x, @Nullable Buffer quantized) {
        Buffer input = weight.shape().takesFloats() || quantized == null ? x : quantized;
        return ((ReferenceBuffer) input).content();
    }

    /** The product of a weight row with the input's values from {@code at} on. */
    static double dot(float[] weight, Object input, int at) {
        return switch (input) {
            case Quants quants -> quants.dot(weight, at);
            case float[] floats -> dot(weight, floats, at);
            default -> throw new IllegalStateException("no input of a product");
        };
    }

    private static double dot(float[] weight, float[] x, int at) {
        double sum = 0;
        for (int i = 0; i < weight.length; i++) {
            sum += (double) weight[i] * x[at + i];
        }
        return sum;
    }
}
