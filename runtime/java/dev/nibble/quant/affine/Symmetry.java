package dev.nibble.quant.affine;

/** Where real 0 lies among the integers. */
public enum Symmetry {
    /**
     * At 0: the range reaches as far below 0 as above. The least integer is left out (int8: −127 … 127, int2: −1 … 1), so that
     * the negative of every value can be represented too. Products need no correction for a zero point.
     */
    SYMMETRIC,
    /** At any integer, so that all of them are used by values that lie on one side of 0 mostly. */
    ASYMMETRIC
}
