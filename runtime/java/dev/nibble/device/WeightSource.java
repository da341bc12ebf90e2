package dev.nibble.device;

import java.lang.foreign.MemorySegment;

/** Where the rows of a weight come from: a mapped model file, or a generator of synthetic weights. Thread-safe. */
public interface WeightSource {
    /** The form of the weight. */
    WeightShape shape();

    /** The form of the file's tensor that it is made of: the weight may be a part of it, or be turned round and have another type. */
    default WeightShape stored() {
        return shape();
    }

    /**
     * Rows in the file's block format, one after another without gaps.
     *
     * @param firstRow the first row, counted through all matrices: matrix × rows + row
     * @param count the number of rows
     * @return {@code count × shape().rowBytes()} bytes, valid until the calling thread's next call
     */
    MemorySegment rows(long firstRow, int count);
}
