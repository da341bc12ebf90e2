package dev.nibble.quant.affine;

/** The width of signed integers that values are quantized to. */
public enum IntegerWidth {
    /** −128 … 127. */
    INT8(8),
    /** −8 … 7. */
    INT4(4),
    /** −2 … 1. */
    INT2(2);

    private final int bits;

    IntegerWidth(int bits) {
        this.bits = bits;
    }

    /** Bits of an integer. */
    public int bits() {
        return bits;
    }

    /** The least integer, −2^(bits−1). */
    public int least() {
        return -1 << bits - 1;
    }

    /** The greatest integer, 2^(bits−1) − 1. */
    public int greatest() {
        return (1 << bits - 1) - 1;
    }
}
