package dev.nibble.quantize;

import dev.nibble.InvalidModelException;
import dev.nibble.gguf.TensorInfo;
import dev.nibble.gguf.TensorType;
import dev.nibble.quant.BlockFormat;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * Some rows of one matrix of a tensor, to be converted.
 *
 * @param path the file that is read, for messages
 * @param tensor what becomes of the tensor
 * @param data the whole tensor as it is
 * @param matrix which of its matrices
 * @param firstRow in that matrix
 * @param importance of each column; null: all the same
 */
record TensorPiece(
        Path path,
        PlannedTensor tensor,
        MemorySegment data,
        long matrix,
        long firstRow,
        int rows,
        float @Nullable [] importance) {
    private static final float FLOAT16_MOST = 65504;

    /**
     * The rows in the new type.
     *
     * @throws InvalidModelException if a value is not finite, or too large for the new type: names tensor, row and column
     */
    MemorySegment convert() {
        TensorInfo source = tensor.source();
        int columns = Math.toIntExact(source.columns());
        long from = (matrix * source.rows() + firstRow) * source.type().rowBytes(columns);
        MemorySegment rowsAsTheyAre = data.asSlice(from, rows * source.type().rowBytes(columns));
        if (!BlockFormat.isDecodable(source.type())) {
            return rowsAsTheyAre;
        }
        float[] values = new float[rows * columns];
        tensor.sourceFormat().decode(rowsAsTheyAre, 0, values, 0, values.length);
        requireFinite(values, tensor.type() == TensorType.F16 ? FLOAT16_MOST : Float.MAX_VALUE);
        return tensor.isCopied() ? rowsAsTheyAre : encoded(values);
    }

    /** The row after the last, counted through all matrices. */
    long end() {
        return matrix * tensor.source().rows() + firstRow + rows;
    }

    private void requireFinite(float[] values, float most) {
        for (int i = 0; i < values.length; i++) {
            if (!(Math.abs(values[i]) <= most)) {
                throw new InvalidModelException(
                        path,
                        -1,
                        "tensor " + tensor.source().name() + " has " + values[i] + " in "
                                + row(i / tensor.source().columns())
                                + ", column " + i % tensor.source().columns()
                                + (Float.isFinite(values[i])
                                        ? ", more than the " + FLOAT16_MOST + " of f16; bf16 would hold it"
                                        : ": the file is damaged, or its training has diverged"));
            }
        }
    }

    private MemorySegment encoded(float[] values) {
        MemorySegment blocks =
                MemorySegment.ofArray(new byte[Math.toIntExact(tensor.type().rowBytes(values.length))]);
        try {
            tensor.format().encode(values, 0, values.length, importance, blocks, 0);
        } catch (IllegalArgumentException e) {
            throw tooLarge(values, e);
        }
        return blocks;
    }

    /** Finds the row that cannot be encoded. */
    private RuntimeException tooLarge(float[] values, IllegalArgumentException all) {
        int columns = values.length / rows;
        MemorySegment blocks =
                MemorySegment.ofArray(new byte[Math.toIntExact(tensor.type().rowBytes(columns))]);
        for (int row = 0; row < rows; row++) {
            try {
                tensor.format().encode(values, row * columns, columns, importance, blocks, 0);
            } catch (IllegalArgumentException e) {
                return new InvalidModelException(
                        path, -1, "tensor " + tensor.source().name() + ", " + row(row) + ": " + e.getMessage());
            }
        }
        return all;
    }

    private String row(long row) {
        return (tensor.source().matrices() == 1 ? "" : "matrix " + matrix + ", ") + "row " + (firstRow + row);
    }
}
