package dev.nibble.device;

import dev.nibble.quant.BlockFormat;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The oracle of the reference device: matrices of float64, each operation as a textbook writes it, whole and dense. It shares
 * no code with any other device. F32 buffers keep what a float can hold; quantized activations are kept as the values they
 * stand for.
 */
final class TextbookDevice implements Device, Queue {
    private final boolean exact;

    TextbookDevice(boolean exact) {
        this.exact = exact;
    }

    /** A buffer: values[row][column]. */
    record Matrix(ElementType type, double[][] values) implements Buffer {
        @Override
        public int rows() {
            return values.length;
        }

        @Override
        public int width() {
            return values[0].length;
        }

        @Override
        public long bytes() {
            return 8L * rows() * width();
        }

        @Override
        public void close() {}
    }

    /** A weight: values[matrix × rows + row][column]. */
    record Dense(WeightShape shape, WeightUse use, double[][] values) implements Weight {
        @Override
        public long bytes() {
            return 8 * shape.values();
        }

        @Override
        public void close() {}
    }

    /** A KV cache: keys and values by page × pageTokens + token. */
    record Cache(KvLayout layout, int pages, Map<Integer, double[]> keys, Map<Integer, double[]> values)
            implements KvPages {
        @Override
        public long bytes() {
            return 0;
        }

        @Override
        public void close() {}
    }

    record Operations(List<Operation> operations) implements Step {}

    @Override
    public String name() {
        return "textbook";
    }

    @Override
    public String description() {
        return "formulas in float64";
    }

    @Override
    public int threads() {
        return 1;
    }

    @Override
    public long freeMemory() {
        return Long.MAX_VALUE;
    }

    @Override
    public long weightBytes(WeightShape shape, WeightUse use) {
        return 8 * shape.values();
    }

    @Override
    public Weight load(WeightSource source, WeightUse use) {
        WeightShape shape = source.shape();
        double[][] values = new double[shape.matrices() * shape.rows()][shape.columns()];
        float[] decoded = new float[shape.columns()];
        for (int row = 0; row < values.length; row++) {
            BlockFormat.of(shape.type()).decode(source.rows(row, 1), 0, decoded, 0, decoded.length);
            for (int column = 0; column < decoded.length; column++) {
                values[row][column] = decoded[column];
            }
        }
        return new Dense(shape, use, values);
    }

    @Override
    public Buffer allocate(ElementType type, int rows, int width) {
        return new Matrix(type, new double[rows][width]);
    }

    @Override
    public KvPages allocateKv(KvLayout layout, int pages) {
        return new Cache(layout, pages, new HashMap<>(), new HashMap<>());
    }

    @Override
    public Step prepare(List<Operation> operations) {
        return new Operations(operations);
    }

    @Override
    public Queue queue() {
        return this;
    }

    @Override
    public void close() {}

    @Override
    public void write(Buffer target, long element, MemorySegment source) {
        Matrix matrix = (Matrix) target;
        for (int i = 0; i < source.byteSize() / 4; i++) {
            int bits = source.getAtIndex(ValueLayout.JAVA_INT_UNALIGNED, i);
            int at = (int) element + i;
            matrix.values[at / matrix.width()][at % matrix.width()] =
                    matrix.type == ElementType.I32 ? bits : Float.intBitsToFloat(bits);
        }
    }

    @Override
    public void submit(Step step) {
        for (Operation operation : ((Operations) step).operations) {
            new Textbook(operation, exact).run();
        }
    }

    @Override
    public void read(Buffer source, long element, MemorySegment target) {
        Matrix matrix = (Matrix) source;
        for (int i = 0; i < target.byteSize() / 4; i++) {
            int at = (int) element + i;
            double value = matrix.values[at / matrix.width()][at % matrix.width()];
            target.setAtIndex(
                    ValueLayout.JAVA_INT_UNALIGNED,
                    i,
                    matrix.type == ElementType.I32 ? (int) value : Float.floatToRawIntBits((float) value));
        }
    }
}
