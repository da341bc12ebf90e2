package dev.nibble.gguf;

import java.util.Optional;

/**
 * How the values of a tensor are stored: one row per type of the GGUF format. Values lie in blocks; a block holds
 * {@link #blockLength} consecutive values of a row in {@link #blockBytes} bytes.
 *
 * <p>Source: the GGUF specification and the type table of ggml.
 */
public enum TensorType {
    F32(0, 1, 4),
    F16(1, 1, 2),
    Q4_0(2, 32, 18),
    Q4_1(3, 32, 20),
    Q5_0(6, 32, 22),
    Q5_1(7, 32, 24),
    Q8_0(8, 32, 34),
    Q8_1(9, 32, 36),
    Q2_K(10, 256, 84),
    Q3_K(11, 256, 110),
    Q4_K(12, 256, 144),
    Q5_K(13, 256, 176),
    Q6_K(14, 256, 210),
    Q8_K(15, 256, 292),
    IQ2_XXS(16, 256, 66),
    IQ2_XS(17, 256, 74),
    IQ3_XXS(18, 256, 98),
    IQ1_S(19, 256, 50),
    IQ4_NL(20, 32, 18),
    IQ3_S(21, 256, 110),
    IQ2_S(22, 256, 82),
    IQ4_XS(23, 256, 136),
    I8(24, 1, 1),
    I16(25, 1, 2),
    I32(26, 1, 4),
    I64(27, 1, 8),
    F64(28, 1, 8),
    IQ1_M(29, 256, 56),
    BF16(30, 1, 2),
    TQ1_0(34, 256, 54),
    TQ2_0(35, 256, 66),
    MXFP4(39, 32, 17),
    NVFP4(40, 64, 36),
    Q1_0(41, 128, 18),
    Q2_0(42, 64, 18);

    private final int id;
    private final int blockLength;
    private final int blockBytes;

    TensorType(int id, int blockLength, int blockBytes) {
        this.id = id;
        this.blockLength = blockLength;
        this.blockBytes = blockBytes;
    }

    /** The number by which a GGUF file names the type. */
    public int id() {
        return id;
    }

    /** Values in one block. */
    public int blockLength() {
        return blockLength;
    }

    /** Bytes of one block. */
    public int blockBytes() {
        return blockBytes;
    }

    /**
     * Bytes of a row of {@code columns} values.
     *
     * @throws IllegalArgumentException if {@code columns} is not a multiple of the block length
     */
    public long rowBytes(long columns) {
        if (columns % blockLength != 0) {
            throw new IllegalArgumentException("a row of " + columns + " values is no multiple of the " + blockLength
                    + " values of a block of " + this);
        }
        return columns / blockLength * blockBytes;
    }

    /** The mean number of bits that one value takes, scales included. */
    public double bitsPerValue() {
        return 8.0 * blockBytes / blockLength;
    }

    /** The type of this number; empty for a number that the format does not know or no longer uses. */
    public static Optional<TensorType> ofId(int id) {
        for (TensorType type : values()) {
            if (type.id == id) {
                return Optional.of(type);
            }
        }
        return Optional.empty();
    }
}
