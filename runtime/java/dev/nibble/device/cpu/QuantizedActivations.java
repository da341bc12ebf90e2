package dev.nibble.device.cpu;

import dev.nibble.gguf.TensorType;
import java.lang.foreign.MemorySegment;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Rows of activations quantized to int8 in blocks of 32, in the forms that the products of a step read: bytes for native kernels,
 * {@link QuantizedRows} for those of the Vector API.
 */
final class QuantizedActivations implements QuantizedContent {
    private final Forms forms;
    private final int rows;
    private final int columns;

    /** What all views of the same rows share. */
    private static final class Forms {
        private final Optional<NativeKernels> kernels;
        private final int rows;
        private final int columns;
        private final @Nullable ByteRows bytes;
        private @Nullable QuantizedRows vectors;

        private Forms(Optional<NativeKernels> kernels, int rows, int columns) {
            this.kernels = kernels;
            this.rows = rows;
            this.columns = columns;
            this.bytes =
                    kernels.map(present -> new ByteRows(present, rows, columns)).orElse(null);
            this.vectors = kernels.isPresent() ? null : new QuantizedRows(rows, columns);
        }
    }

    /**
     * Makes room for rows; their content is undefined.
     *
     * @param kernels the native kernels of the device, if it uses any
     * @param rows the number of rows
     * @param columns the width of a row, a multiple of 32
     */
    QuantizedActivations(Optional<NativeKernels> kernels, int rows, int columns) {
        this(new Forms(kernels, rows, columns), rows, columns);
    }

    private QuantizedActivations(Forms forms, int rows, int columns) {
        this.forms = forms;
        this.rows = rows;
        this.columns = columns;
    }

    /** The same values in rows of fewer columns, a divisor of these rows' and a multiple of 32. */
    QuantizedActivations reshaped(int columns) {
        return columns == this.columns
                ? this
                : new QuantizedActivations(forms, rows * (this.columns / columns), columns);
    }

    @Override
    public int rows() {
        return rows;
    }

    @Override
    public int columns() {
        return columns;
    }

    /** The memory that this takes in the forms that it has so far. */
    @Override
    public long bytes() {
        long vectors = forms.vectors == null ? 0 : QuantizedRows.bytes(rows, columns);
        return vectors + (forms.bytes == null ? 0 : forms.bytes.bytes());
    }

    /** Has {@link #quantize} derive what products with weights of a type need, from its next call on. */
    void require(TensorType type) {
        if (forms.kernels.flatMap(kernels -> kernels.products().of(type)).isPresent()) {
            return;
        }
        if (forms.vectors == null) {
            forms.vectors = new QuantizedRows(forms.rows, forms.columns);
        }
        PackedMatrix.layoutFor(type).ifPresent(forms.vectors::require);
    }

    /** The bytes, for a type that a native kernel multiplies; else null. */
    @Nullable
    ByteRows bytesFor(TensorType type) {
        return forms.kernels.flatMap(kernels -> kernels.products().of(type)).isPresent() ? forms.bytes : null;
    }

    /**
     * The form that kernels of the Vector API read.
     *
     * @throws NullPointerException if {@link #require} was not called for a type that these kernels multiply
     */
    QuantizedRows vectors() {
        return Objects.requireNonNull(forms.vectors, "activations were not prepared for these weights")
                .reshaped(columns);
    }

    /**
     * Quantizes a part of a row: with amax the largest magnitude of a block, scale = amax / 127, inverse = 127 / amax or 0, and
     * q = (int) (x · inverse + 128.5) − 128.
     *
     * @param x holds {@code columns} floats
     * @param offset byte offset of the first, that of column 0
     * @param row the row to write
     * @param begin the first column, a multiple of 32
     * @param end the end of the columns, a multiple of 32
     */
    void quantize(MemorySegment x, long offset, int row, int begin, int end) {
        Objects.checkIndex(row, rows);
        Objects.checkFromToIndex(begin, end, columns);
        if (forms.bytes != null) {
            forms.bytes.quantize(x, offset + (long) begin * Float.BYTES, row * columns + begin, end - begin);
        }
        if (forms.vectors != null) {
            vectors().quantize(x, offset, row, begin, end);
        }
    }
}
