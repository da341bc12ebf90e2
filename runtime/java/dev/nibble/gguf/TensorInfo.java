package dev.nibble.gguf;

import java.util.List;

/**
 * A row of the tensor table: what a tensor is and where its values lie.
 *
 * @param name unique in its model
 * @param type how the values are stored
 * @param dimensions the lengths of up to four dimensions, that of a row first (ggml's {@code ne})
 * @param part the file of a split model that holds it, counted from 0
 * @param offset its first byte, counted from the start of that file's data section
 */
public record TensorInfo(String name, TensorType type, List<Long> dimensions, int part, long offset) {
    /** The most dimensions that a tensor can have. */
    public static final int MAX_DIMENSIONS = 4;

    /**
     * Checks that the tensor can exist.
     *
     * @throws IllegalArgumentException if it has more than four dimensions, a negative one, rows that are no multiple
     *     of the block length, or more bytes than a long can count
     */
    public TensorInfo {
        dimensions = List.copyOf(dimensions);
        if (dimensions.size() > MAX_DIMENSIONS) {
            throw new IllegalArgumentException(
                    "tensor " + name + " has " + dimensions.size() + " dimensions, the limit is " + MAX_DIMENSIONS);
        }
        if (dimensions.stream().anyMatch(length -> length < 0)) {
            throw new IllegalArgumentException("tensor " + name + " has a negative dimension in " + dimensions);
        }
        long columns = dimensions.isEmpty() ? 1 : dimensions.get(0);
        if (columns % type.blockLength() != 0) {
            throw new IllegalArgumentException("tensor " + name + " has rows of " + columns
                    + " values, no multiple of the " + type.blockLength() + " values of a block of " + type);
        }
        try {
            // 8 bytes are the most that a value takes, so the byte count is safe where this product is.
            long bound = 8;
            for (long length : dimensions) {
                bound = Math.multiplyExact(bound, Math.max(length, 1));
            }
        } catch (ArithmeticException e) {
            throw new IllegalArgumentException(
                    "tensor " + name + " of " + dimensions + " values is too large to count", e);
        }
    }

    /** The number of bytes that the values take. */
    public long bytes() {
        return type.rowBytes(columns()) * rows() * matrices();
    }

    /** The number of values. */
    public long elements() {
        return columns() * rows() * matrices();
    }

    /** The number of values of a row: the first dimension. */
    public long columns() {
        return dimension(0);
    }

    /** The number of rows of a matrix: the second dimension, 1 if absent. */
    public long rows() {
        return dimension(1);
    }

    /** The number of matrices: the product of the third and fourth dimension. */
    public long matrices() {
        return dimension(2) * dimension(3);
    }

    private long dimension(int index) {
        return index < dimensions.size() ? dimensions.get(index) : 1;
    }
}
