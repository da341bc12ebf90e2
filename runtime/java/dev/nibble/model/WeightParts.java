package dev.nibble.model;

import dev.nibble.device.WeightShape;
import dev.nibble.device.WeightSource;
import dev.nibble.model.TensorShare.Run;
import java.lang.foreign.MemorySegment;

/** Some rows, or some columns, of weights, as they are read. */
final class WeightParts {
    private WeightParts() {}

    /**
     * Rows of each matrix.
     *
     * @param run what has {@code each} rows
     */
    static WeightSource rows(WeightSource source, Run run, int each) {
        WeightShape shape = source.shape();
        return new Rows(
                new WeightShape(shape.name(), shape.type(), shape.matrices(), run.count() * each, shape.columns()),
                source,
                run.first() * each);
    }

    /**
     * Columns of each row, whole blocks of them.
     *
     * @param run what has {@code each} columns
     */
    static WeightSource columns(WeightSource source, Run run, int each) {
        WeightShape shape = source.shape();
        return new Columns(
                new WeightShape(shape.name(), shape.type(), shape.matrices(), shape.rows(), run.count() * each),
                source,
                shape.type().rowBytes((long) run.first() * each));
    }

    /** Some of several matrices. */
    static WeightSource matrices(WeightSource source, Run run) {
        WeightShape shape = source.shape();
        return new Matrices(
                new WeightShape(shape.name(), shape.type(), run.count(), shape.rows(), shape.columns()),
                source,
                (long) run.first() * shape.rows());
    }

    private record Matrices(WeightShape shape, WeightSource whole, long first) implements WeightSource {
        @Override
        public MemorySegment rows(long firstRow, int count) {
            return whole.rows(first + firstRow, count);
        }
    }

    private record Rows(WeightShape shape, WeightSource whole, int first) implements WeightSource {
        @Override
        public MemorySegment rows(long firstRow, int count) {
            int rows = shape.rows();
            long matrix = firstRow / rows;
            int within = (int) (firstRow % rows);
            long wholeRows = whole.shape().rows();
            if (within + count <= rows) {
                return whole.rows(matrix * wholeRows + first + within, count);
            }
            MemorySegment all = MemorySegment.ofArray(new byte[Math.toIntExact(count * shape.rowBytes())]);
            for (int done = 0; done < count; ) {
                int part = Math.min(count - done, rows - within);
                MemorySegment from = whole.rows(matrix * wholeRows + first + within, part);
                MemorySegment.copy(from, 0, all, done * shape.rowBytes(), part * shape.rowBytes());
                done += part;
                matrix++;
                within = 0;
            }
            return all;
        }
    }

    private record Columns(WeightShape shape, WeightSource whole, long firstByte) implements WeightSource {
        @Override
        public MemorySegment rows(long firstRow, int count) {
            MemorySegment from = whole.rows(firstRow, count);
            MemorySegment all = MemorySegment.ofArray(new byte[Math.toIntExact(count * shape.rowBytes())]);
            long step = whole.shape().rowBytes();
            for (int row = 0; row < count; row++) {
                MemorySegment.copy(from, row * step + firstByte, all, row * shape.rowBytes(), shape.rowBytes());
            }
            return all;
        }
    }
}
