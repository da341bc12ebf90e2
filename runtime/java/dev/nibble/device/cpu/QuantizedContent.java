package dev.nibble.device.cpu;

/** Rows of activations quantized to int8: in blocks of 32 with a scale each, or as the arithmetic in integers wants them. */
sealed interface QuantizedContent permits QuantizedActivations, FixedPointRows {
    /** The number of rows. */
    int rows();

    /** Values of a row, or of each part of one. */
    int columns();

    /** The memory that they take. */
    long bytes();
}
