package dev.nibble.device;

/** What the elements of a {@link Buffer} are. */
public enum ElementType {
    /** 32-bit floats, row-major: the host may read and write them. */
    F32,
    /** 32-bit integers, row-major: the host may read and write them. */
    I32,
    /**
     * Activations quantized to int8 in blocks of 32, with a float32 scale and the sum of the integers per block. How they
     * lie in memory is the device's own matter; only {@link Operation.Quantize} writes them and only products read them.
     */
    Q8
}
