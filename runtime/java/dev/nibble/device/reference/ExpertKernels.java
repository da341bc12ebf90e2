package dev.nibble.device.reference;

import dev.nibble.device.Buffer;
import dev.nibble.device.Gating;
import dev.nibble.device.Operation.Combine;
import dev.nibble.device.Operation.ExpertMatmul;
import dev.nibble.device.Operation.Product;
import dev.nibble.device.Operation.Route;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.function.IntPredicate;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** Mixtures of experts. */
final class ExpertKernels {
    private ExpertKernels() {}

    static void route(Route route, Rows rows) {
        float[] logits = ReferenceBuffer.floats(route.logits());
        int[] ids = ReferenceBuffer.ints(route.ids());
        float[] weights = ReferenceBuffer.floats(route.weights());
        int experts = route.logits().width();
        Gating gating = route.gating();
        for (int row = 0; row < rows.count(); row++) {
            float[] x = Arrays.copyOfRange(logits, row * experts, (row + 1) * experts);
            for (int i = 0; i < experts; i++) {
                if (Float.isNaN(x[i])) {
                    throw rows.wrong(row, "the logit of expert " + i + " is NaN");
                }
            }
            double[] probabilities = probabilities(gating.function(), x);
            double[] scores = scores(probabilities, route.bias());
            int[] chosen = best(scores, allowed(gating, scores), gating.used());
            double sum = gating.normalize()
                    ? Arrays.stream(chosen).mapToDouble(i -> probabilities[i]).sum() + Gating.LEAST_SUM
                    : 1;
            for (int i = 0; i < chosen.length; i++) {
                ids[row * chosen.length + i] = chosen[i];
                weights[row * chosen.length + i] = (float) (probabilities[chosen[i]] / sum * gating.scale());
            }
        }
    }

    private static double[] scores(double[] probabilities, @Nullable Buffer bias) {
        double[] scores = probabilities.clone();
        if (bias != null) {
            float[] biases = ReferenceBuffer.floats(bias);
            for (int i = 0; i < scores.length; i++) {
                scores[i] += biases[i];
            }
        }
        return scores;
    }

    /** The experts of the groups that take part. */
    private static IntPredicate allowed(Gating gating, double[] scores) {
        if (!gating.isGrouped()) {
            return expert -> true;
        }
        int size = scores.length / gating.groups();
        double[] groups = IntStream.range(0, gating.groups())
                .mapToDouble(group -> IntStream.of(best(scores, i -> i / size == group, gating.groupBest()))
                        .mapToDouble(i -> scores[i])
                        .sum())
                .toArray();
        int[] chosen = best(groups, group -> true, gating.groupsUsed());
        return expert -> IntStream.of(chosen).anyMatch(group -> group == expert / size);
    }

    /** The places of the largest scores among those allowed, in falling order. */
    private static int[] best(double[] scores, IntPredicate allowed, int count) {
        return IntStream.range(0, scores.length)
                .filter(allowed)
                .boxed()
                .sorted(Comparator.comparing((Integer i) -> -scores[i]).thenComparing(i -> i))
                .limit(count)
                .mapToInt(i -> i)
                .toArray();
    }

    private static double[] probabilities(Gating.Function function, float[] x) {
        double[] probabilities = new double[x.length];
        double most = IntStream.range(0, x.length).mapToDouble(i -> x[i]).max().orElseThrow();
        double sum = 0;
        for (int i = 0; i < x.length; i++) {
            probabilities[i] = function == Gating.Function.SOFTMAX ? Math.exp(x[i] - most) : 1 / (1 + Math.exp(-x[i]));
            sum += probabilities[i];
        }
        for (int i = 0; i < x.length && function == Gating.Function.SOFTMAX; i++) {
            probabilities[i] /= sum;
        }
        return probabilities;
    }

    static void matmul(ExpertMatmul matmul, Rows rows, Workers workers) {
        for (Product product : matmul.products()) {
            ReferenceWeight weight = (ReferenceWeight) product.weight();
            int used = matmul.ids().width();
            List<Integer> places =
                    IntStream.range(0, rows.count() * used).boxed().toList();
            places.stream()
                    .collect(Collectors.groupingBy(place -> rows.index(
                            place / used,
                            matmul.ids(),
                            place,
                            "expert",
                            weight.shape().matrices())))
                    .forEach((expert, its) -> expert(matmul, product, expert, its, workers));
        }
    }

    /** One expert's matrix, for all places (row × used + choice) that chose it. */
    private static void expert(
            ExpertMatmul matmul, Product product, int expert, List<Integer> places, Workers workers) {
        ReferenceWeight weight = (ReferenceWeight) product.weight();
        float[] out = ReferenceBuffer.floats(product.out());
        int columns = weight.shape().columns();
        int width = weight.shape().rows();
        int sharing = matmul.x().width() == columns ? matmul.ids().width() : 1;
        if (weight.isFixedPoint()) {
            int live = 1 + places.getLast() / matmul.ids().width();
            int[] at =
                    places.stream().mapToInt(place -> place / sharing * columns).toArray();
            int[] to = places.stream().mapToInt(place -> place * width).toArray();
            FixedPointProduct.of(weight, matmul.x(), matmul.quantized(), live, workers)
                    .multiply(expert, new FixedPointProduct.Places(at, to), null, out);
            return;
        }
        Object input = MatmulKernels.input(weight, matmul.x(), matmul.quantized());
        workers.split(width, (from, to) -> {
            float[] values = new float[columns];
            for (int i = from; i < to; i++) {
                weight.decode((long) expert * width + i, values);
                for (int place : places) {
                    out[place * width + i] = (float) MatmulKernels.dot(values, input, place / sharing * columns);
                }
            }
        });
    }

    static void combine(Combine combine, Rows rows) {
        float[] x = ReferenceBuffer.floats(combine.x());
        float[] weights = ReferenceBuffer.floats(combine.weights());
        float[] out = ReferenceBuffer.floats(combine.out());
        int used = combine.weights().width();
        int width = combine.out().width();
        float @Nullable [] shared = combine.shared() == null ? null : ReferenceBuffer.floats(combine.shared());
        float @Nullable [] gate = combine.gate() == null ? null : ReferenceBuffer.floats(combine.gate());
        for (int row = 0; row < rows.count(); row++) {
            double share = gate == null ? 1 : 1 / (1 + Math.exp(-gate[row]));
            for (int i = 0; i < width; i++) {
                double sum = 0;
                for (int j = 0; j < used; j++) {
                    sum += (double) weights[row * used + j] * x[(row * used + j) * width + i];
                }
                if (shared != null) {
                    sum += share * shared[row * width + i];
                }
                out[row * width + i] = (float) sum;
            }
        }
    }
}
