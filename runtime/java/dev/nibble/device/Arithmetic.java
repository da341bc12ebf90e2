package dev.nibble.device;

import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Collectors;

/** How a device computes linear layers: {@link Operation.Matmul} and {@link Operation.ExpertMatmul}. */
public enum Arithmetic {
    /**
     * Activations are quantized to int8 in blocks of 32 against integer-quantized weights; the products of blocks are integers,
     * their scales float32. Weights of F32, F16 and BF16 take float activations.
     */
    BLOCK_INT8,
    /** Activations stay in float32 against all weights. */
    EXACT,
    /**
     * Integers from the input of a layer to its output, whatever type the weights have in the file. At load, each row of a matrix
     * is decoded and quantized to symmetric int8. When it runs, each row of activations is quantized to int8 with a scale and a
     * zero point from its own least and greatest value; products are added up in int32 with the zero point folded in, brought to
     * the unit of the matrix by the fixed-point multiplier of each output channel, and then by that of the row to int8, again over
     * the range that the row has. What follows the layer reads scale · (q − zero point) as floats; biases are added to that: some
     * models have biases so much larger than the products that they would take all of the 8 bits. The integers are the same on
     * every device, and so are the results, to the last bit.
     */
    FIXED_POINT;

    /** The name that options use: {@code block-int8}, {@code exact}, {@code fixed-point}. */
    public String id() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    /**
     * The arithmetic of this name.
     *
     * @throws IllegalArgumentException if there is none, naming those that there are
     */
    public static Arithmetic ofId(String id) {
        for (Arithmetic arithmetic : values()) {
            if (arithmetic.id().equals(id)) {
                return arithmetic;
            }
        }
        throw new IllegalArgumentException("no arithmetic '" + id + "'; there are "
                + Arrays.stream(values()).map(Arithmetic::id).collect(Collectors.joining(", ")));
    }
}
