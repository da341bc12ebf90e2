package dev.nibble.device;

import dev.nibble.gguf.TensorType;

/**
 * The outer form of a weight tensor: (matrices, rows, columns). A product takes {@code columns} values in and gives
 * {@code rows} values out; expert weights have one matrix per expert, all others have one.
 *
 * @param name the tensor's name in the model file, for messages
 * @param type how the file stores the values
 * @param matrices the number of matrices
 * @param rows output values of one matrix
 * @param columns input values, a multiple of the type's block length
 */
public record WeightShape(String name, TensorType type, int matrices, int rows, int columns) {
    /** Checks that the numbers are positive and that rows hold whole blocks. */
    public WeightShape {
        if (matrices < 1 || rows < 1 || columns < 1 || columns % type.blockLength() != 0) {
            throw new IllegalArgumentException(name + ": no weight of " + matrices + " x " + rows + " x " + columns
                    + " values of type " + type + " (blocks of " + type.blockLength() + ")");
        }
    }

    /** The values of all matrices together. */
    public long values() {
        return (long) matrices * rows * columns;
    }

    /** Bytes of one row as the model file stores it. */
    public long rowBytes() {
        return type.rowBytes(columns);
    }

    /** Bytes of the tensor as the model file stores it. */
    public long bytes() {
        return (long) matrices * rows * rowBytes();
    }

    /** Whether products with this weight read float activations; all others read activations quantized to int8. */
    public boolean takesFloats() {
        return switch (type) {
            case F32, F16, BF16 -> true;
            default -> false;
        };
    }
}
