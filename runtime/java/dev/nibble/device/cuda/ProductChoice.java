package dev.nibble.device.cuda;

import dev.nibble.device.Buffer;
import dev.nibble.device.ElementType;
import dev.nibble.device.Operation;
import dev.nibble.device.Resources;
import dev.nibble.device.RowCount;
import dev.nibble.device.WeightShape;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Which kernels multiply: those of {@code matmul.cu}, which do best with one row of activations, or those of {@code mma.cu}, for many.
 * From how many rows on is measured by the device's own clock, when weights of a layout and of about a size are first used with more than
 * one row. Used by the thread that holds the device's lock.
 */
final class ProductChoice implements ProductLaunches.Choice {
    /** Rows that are measured. From compute capability 8.0 on, {@code matmul.cu} has kernels of blocks for up to the last. */
    private static final int[] ROWS = {2, 4};

    /** The same of floats, which it has kernels of for any number. */
    private static final int[] ROWS_OF_FLOATS = {2, 4, 8, 16, 64};

    /** Where nothing was measured. */
    private static final int DEFAULT = 3;

    /** More than any cache of a GPU holds, since weights come from memory. */
    private static final long BYTES = 128 << 20;

    /** The least that tells something. */
    private static final long LEAST_BYTES = 16 << 20;

    /** Launches that are measured together, each with a weight of its own. */
    private static final int LEAST_LAUNCHES = 8;

    private static final int MOST_LAUNCHES = 64;
    private static final int ROUNDS = 3;

    private final CudaDevice device;
    private final Integer fixed = Integer.getInteger(CudaProperties.TENSOR_ROWS);
    private final Map<Size, Integer> measured = new HashMap<>();

    /** Weights for which one measurement stands: tiles and columns are powers of two, rounded down. */
    record Size(WeightLayout layout, int tiles, int columns) {
        private static final int LEAST_COLUMNS = 256;

        static Size of(WeightLayout layout, int tiles, int columns) {
            return new Size(
                    layout, Integer.highestOneBit(tiles), Math.max(LEAST_COLUMNS, Integer.highestOneBit(columns)));
        }

        long bytes() {
            return tiles * WeightLayout.tileBytes(layout.type(), columns);
        }

        WeightShape shape() {
            return new WeightShape("measurement", layout.type(), 1, tiles * WeightLayout.TILE_ROWS, columns);
        }

        private int[] rows() {
            return layout.takesBlocks() ? ROWS : ROWS_OF_FLOATS;
        }

        /** The largest number of rows that can be answered. */
        private int late() {
            return layout.takesBlocks() ? ROWS[ROWS.length - 1] + 1 : Integer.MAX_VALUE;
        }
    }

    ProductChoice(CudaDevice device) {
        this.device = device;
    }

    @Override
    public boolean tensorCores(int rows, WeightLayout layout, int tiles, int columns) {
        Size size = Size.of(layout, tiles, columns);
        if (fixed != null) {
            return rows >= Math.clamp(fixed, 1, size.late());
        }
        return rows > 1 && (rows >= size.late() || rows >= tensorRows(size));
    }

    private int tensorRows(Size size) {
        Integer known = measured.get(size);
        if (known == null) {
            long bytes = Math.min(BYTES, device.freeMemory() / 4);
            boolean tells = bytes >= Math.max(LEAST_BYTES, size.bytes())
                    && !device.traits().simulated();
            known = tells ? measure(size, bytes) : DEFAULT;
            measured.put(size, known);
        }
        return known;
    }

    /** Measures with weights of at most so many bytes, or with one: from how many rows on tensor cores are faster. */
    int measure(Size size, long bytes) {
        int count = (int) Math.clamp(bytes / size.bytes(), 1, MOST_LAUNCHES);
        int most = size.rows()[size.rows().length - 1];
        try (Resources resources = new Resources();
                Arena arena = Arena.ofConfined()) {
            List<CudaWeight> weights = new ArrayList<>();
            for (int i = 0; i < count; i++) {
                weights.add(resources.own(CudaWeight.zeros(size.shape(), device)));
            }
            Buffer live = resources.own(device.allocate(ElementType.I32, 1, 1));
            Buffer x = resources.own(device.allocate(ElementType.F32, most, size.columns));
            Buffer quantized = resources.own(device.allocate(ElementType.Q8, most, size.columns));
            Buffer out = resources.own(
                    device.allocate(ElementType.F32, most, size.shape().rows()));
            device.queue().write(live, 0, arena.allocateFrom(ValueLayout.JAVA_INT, most));
            device.queue().write(x, 0, arena.allocate(ValueLayout.JAVA_FLOAT, (long) most * size.columns));
            RowCount all = new RowCount(live, most);
            device.queue().submit(device.prepare(List.of(new Operation.Quantize(all, x, quantized))));
            int without = 1;
            for (int rows : size.rows()) {
                device.queue().write(live, 0, arena.allocateFrom(ValueLayout.JAVA_INT, rows));
                List<Operation.Matmul> products = weights.stream()
                        .map(weight -> new Operation.Matmul(
                                new RowCount(live, rows),
                                x,
                                quantized,
                                List.of(new Operation.Product(weight, null, out))))
                        .toList();
                if (seconds(products, true) <= seconds(products, false)) {
                    return without + 1;
                }
                without = rows;
            }
            return size.late();
        }
    }

    /** The least time of some rounds. */
    private double seconds(List<Operation.Matmul> products, boolean tensorCores) {
        CudaPlan plan = new CudaPlan(device);
        ProductLaunches launches = new ProductLaunches(plan, (rows, layout, tiles, columns) -> tensorCores);
        device.exclusively(() -> {
            for (int i = 0; i < Math.max(LEAST_LAUNCHES, products.size()); i++) {
                launches.matmul(products.get(i % products.size()));
            }
        });
        double best = Double.POSITIVE_INFINITY;
        try (CudaStep step = new CudaStep(device, plan.launches(), List.of())) {
            // The first two runs load the kernels and make a graph of the launches.
            for (int round = -2; round < ROUNDS; round++) {
                double seconds = device.queue().time(step).orElseThrow();
                best = round < 0 ? best : Math.min(best, seconds);
            }
        }
        return best;
    }
}
