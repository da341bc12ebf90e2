package dev.nibble.quantize;

import dev.nibble.gguf.TensorInfo;
import dev.nibble.gguf.TensorType;
import dev.nibble.quant.BlockFormat;
import dev.nibble.quant.Importance.ColumnSums;
import org.jspecify.annotations.Nullable;

/**
 * What becomes of one tensor.
 *
 * @param source as it is in the file that is read
 * @param type as it will be
 * @param importance of its columns; null: all the same
 */
public record PlannedTensor(
        TensorInfo source, TensorType type, @Nullable ColumnSums importance) {
    /** Whether its bytes are copied as they are. */
    public boolean isCopied() {
        return source.type() == type;
    }

    /** The bytes that it will have. */
    public long bytes() {
        return type.rowBytes(source.columns()) * source.rows() * source.matrices();
    }

    /** Whether values are lost by being quantized a second time. */
    boolean isRequantized() {
        return !isCopied() && source.type().blockLength() > 1 && type != TensorType.F32 && type != TensorType.F64;
    }

    BlockFormat sourceFormat() {
        return BlockFormat.of(source.type());
    }

    BlockFormat format() {
        return BlockFormat.of(type);
    }

    /** How much each column of one of its matrices matters; null: all the same. */
    float @Nullable [] columnImportance(long matrix) {
        if (importance == null) {
            return null;
        }
        return importance.meanSquares(importance.experts() == 1 ? 0 : Math.toIntExact(matrix));
    }
}
