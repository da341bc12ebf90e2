package dev.nibble.device.cuda;

import dev.nibble.gguf.TensorType;
import java.util.EnumSet;
import java.util.Locale;
import java.util.Set;

/** The types of weights that kernels read. */
final class WeightTypes {
    /** All of them. */
    static final Set<TensorType> ALL = EnumSet.of(
            TensorType.F32,
            TensorType.F16,
            TensorType.BF16,
            TensorType.Q4_0,
            TensorType.Q4_1,
            TensorType.Q5_0,
            TensorType.Q5_1,
            TensorType.Q8_0,
            TensorType.Q2_K,
            TensorType.Q3_K,
            TensorType.Q4_K,
            TensorType.Q5_K,
            TensorType.Q6_K,
            TensorType.IQ1_S,
            TensorType.IQ1_M,
            TensorType.IQ2_XXS,
            TensorType.IQ2_XS,
            TensorType.IQ2_S,
            TensorType.IQ3_XXS,
            TensorType.IQ3_S,
            TensorType.IQ4_NL,
            TensorType.IQ4_XS,
            TensorType.TQ1_0,
            TensorType.TQ2_0,
            TensorType.MXFP4);

    private WeightTypes() {}

    /** What a kernel for weights of a type has in its name. */
    static String suffix(TensorType type) {
        return "_" + type.name().toLowerCase(Locale.ROOT);
    }
}
