package dev.nibble.model;

import dev.nibble.device.WeightShape;
import dev.nibble.device.WeightSource;
import java.lang.foreign.MemorySegment;

/**
 * Some of the rows of a tensor as a tensor of its own.
 *
 * @param shape its form, with the type of the whole
 * @param whole the tensor
 * @param run which rows
 */
record RowParts(WeightShape shape, WeightSource whole, Run run) implements WeightSource {
    /**
     * Of every {@code period} rows the {@code count} from {@code first} on.
     *
     * @param first of them, counted in the period
     * @param count how many
     * @param period rows until the next
     */
    record Run(int first, int count, int period) {}

    RowParts {
        shape = new WeightShape(shape.name(), whole.shape().type(), shape.matrices(), shape.rows(), shape.columns());
    }

    @Override
    public WeightShape stored() {
        return whole.stored();
    }

    @Override
    public MemorySegment rows(long firstRow, int count) {
        long rowBytes = shape.rowBytes();
        int within = (int) (firstRow % run.count());
        if (within + count <= run.count()) {
            return whole.rows(place(firstRow), count);
        }
        MemorySegment rows = MemorySegment.ofArray(new byte[Math.toIntExact(count * rowBytes)]);
        for (int done = 0; done < count; ) {
            long row = firstRow + done;
            int together = (int) Math.min(count - done, run.count() - row % run.count());
            MemorySegment.copy(whole.rows(place(row), together), 0, rows, done * rowBytes, together * rowBytes);
            done += together;
        }
        return rows;
    }

    private long place(long row) {
        return row / run.count() * run.period() + run.first() + row % run.count();
    }
}
