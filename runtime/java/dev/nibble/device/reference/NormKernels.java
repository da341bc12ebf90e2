package dev.nibble.device.reference;

import dev.nibble.device.Buffer;
import dev.nibble.device.NormKind;
import dev.nibble.device.Operation.AddNorm;
import dev.nibble.device.Operation.Norm;
import org.jspecify.annotations.Nullable;

/** Normalisation of rows and of the heads within them. */
final class NormKernels {
    private NormKernels() {}

    static void norm(Norm norm, Rows rows) {
        Scaling scaling = Scaling.of(norm.kind(), norm.epsilon(), norm.weight(), norm.bias());
        float[] x = ReferenceBuffer.floats(norm.x());
        float[] out = ReferenceBuffer.floats(norm.out());
        int group = norm.weight().width();
        for (int at = 0; at < rows.count() * norm.out().width(); at += group) {
            scaling.apply(x, out, at);
        }
    }

    static void addNorm(AddNorm addNorm, Rows rows) {
        Scaling scaling = Scaling.of(addNorm.kind(), addNorm.epsilon(), addNorm.weight(), addNorm.bias());
        float[] delta = ReferenceBuffer.floats(addNorm.delta());
        float[] residual = ReferenceBuffer.floats(addNorm.residual());
        float[] out = ReferenceBuffer.floats(addNorm.out());
        int width = addNorm.weight().width();
        for (int at = 0; at < rows.count() * width; at += width) {
            for (int i = at; i < at + width; i++) {
                residual[i] += delta[i];
            }
            scaling.apply(residual, out, at);
        }
    }

    private record Scaling(NormKind kind, double epsilon, float[] weight, float @Nullable [] bias) {
        static Scaling of(NormKind kind, float epsilon, Buffer weight, @Nullable Buffer bias) {
            return new Scaling(
                    kind, epsilon, ReferenceBuffer.floats(weight), bias == null ? null : ReferenceBuffer.floats(bias));
        }

        /** Normalises the {@code weight.length} values from {@code at} on. */
        void apply(float[] x, float[] out, int at) {
            int width = weight.length;
            double mean = 0;
            if (kind == NormKind.LAYER) {
                for (int i = 0; i < width; i++) {
                    mean += x[at + i];
                }
                mean /= width;
            }
            double squares = 0;
            for (int i = 0; i < width; i++) {
                squares += (x[at + i] - mean) * (x[at + i] - mean);
            }
            double scale = 1 / Math.sqrt(squares / width + epsilon);
            for (int i = 0; i < width; i++) {
                out[at + i] = (float) ((x[at + i] - mean) * scale * weight[i] + (bias == null ? 0 : bias[i]));
            }
        }
    }
}
