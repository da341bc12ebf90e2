package dev.nibble.device;

/** What a weight is loaded for, which decides the layout that a device gives it. */
public enum WeightUse {
    /** Single rows are looked up by token id: {@link Operation.Embed}. */
    TABLE,
    /** Whole matrices are multiplied: {@link Operation.Matmul} and {@link Operation.ExpertMatmul}. */
    MATRIX
}
