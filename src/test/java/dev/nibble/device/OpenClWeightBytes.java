package dev.nibble.device;

/** What weights take on OpenCL devices. */
final class OpenClWeightBytes {
    private OpenClWeightBytes() {}

    /** As much as in the file, but for points of grids: there a weight is a code of three or four bits; and for base 3: two bits. */
    static long most(WeightShape shape) {
        int bits = switch (shape.type()) {
            case TQ1_0 -> 2;
            case IQ1_S, IQ1_M, IQ2_XXS, IQ2_XS, IQ2_S -> 3;
            case IQ3_XXS, IQ3_S -> 4;
            default -> 0;
        };
        // A half and sixteen bytes of scales for 256 weights.
        double bytes = bits == 0 ? shape.bytes() : shape.values() * (bits / 8.0 + 18 / 256.0);
        return (long) (1.04 * bytes);
    }
}
