package dev.nibble.device.cuda;

import dev.nibble.device.Buffer;
import dev.nibble.device.ElementType;
import dev.nibble.device.Operation;
import dev.nibble.device.RowCount;
import dev.nibble.device.WeightShape;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/**
 * Which kernels multiply: those of {@code matmul.cu}, which do best with one row of activations, or those of {@code mma.cu}, for many.
 * From how many rows on is measured, when weights of a layout are first used with few rows. Used by the thread that holds the device's
 * lock.
 */
final class ProductChoice {
    /** Rows that are measured. {@code matmul.cu} has kernels of compute capability 8.0 for up to the last. */
    private static final int[] ROWS = {2, 4};

    /** Where nothing was measured. */
    private static final int DEFAULT = 3;

    private static final int COLUMNS = 4096;

    /** More than any cache of a GPU holds, since weights come from memory. */
    private static final long BYTES = 128 << 20;

    /** The least that tells something. */
    private static final long LEAST_BYTES = 16 << 20;

    private static final int LAUNCHES = 8;
    private static final int ROUNDS = 3;

    private final CudaDevice device;
    private final Integer fixed = Integer.getInteger(CudaProperties.TENSOR_ROWS);
    private final Map<WeightLayout, Integer> measured = new EnumMap<>(WeightLayout.class);

    ProductChoice(CudaDevice device) {
        this.device = device;
    }

    /** From how many rows of activations on tensor cores, which the device has, multiply weights of a layout. */
    int tensorRows(WeightLayout layout) {
        if (fixed != null) {
            return Math.clamp(fixed, 1, ROWS[ROWS.length - 1] + 1);
        }
        Integer known = measured.get(layout);
        if (known == null) {
            long bytes = Math.min(BYTES, device.freeMemory() / 4);
            known = device.traits().simulated() || bytes < LEAST_BYTES ? DEFAULT : measure(layout, bytes);
            measured.put(layout, known);
        }
        return known;
    }

    /** Measures with weights of about so many bytes. */
    int measure(WeightLayout layout, long bytes) {
        long rows = bytes / WeightLayout.tileBytes(layout.type(), COLUMNS) * WeightLayout.TILE_ROWS;
        WeightShape shape = new WeightShape("measurement", layout.type(), 1, Math.toIntExact(rows), COLUMNS);
        int most = ROWS[ROWS.length - 1];
        try (CudaWeight weight = CudaWeight.zeros(shape, device);
                Buffer live = device.allocate(ElementType.I32, 1, 1);
                Buffer x = device.allocate(ElementType.F32, most, COLUMNS);
                Buffer quantized = device.allocate(ElementType.Q8, most, COLUMNS);
                Buffer out = device.allocate(ElementType.F32, most, shape.rows());
                Arena arena = Arena.ofConfined()) {
            device.queue().write(live, 0, arena.allocateFrom(ValueLayout.JAVA_INT, most));
            device.queue().write(x, 0, arena.allocate(ValueLayout.JAVA_FLOAT, (long) most * COLUMNS));
            RowCount all = new RowCount(live, most);
            device.queue().submit(device.prepare(List.of(new Operation.Quantize(all, x, quantized))));
            int without = 1;
            for (int count : ROWS) {
                device.queue().write(live, 0, arena.allocateFrom(ValueLayout.JAVA_INT, count));
                Operation.Matmul product = new Operation.Matmul(
                        new RowCount(live, count), x, quantized, List.of(new Operation.Product(weight, null, out)));
                if (nanos(product, 1) <= nanos(product, Integer.MAX_VALUE)) {
                    break;
                }
                without = count;
            }
            return without + 1;
        }
    }

    private long nanos(Operation.Matmul product, int tensorRows) {
        CudaPlan plan = new CudaPlan(device);
        ProductLaunches launches = new ProductLaunches(plan, layout -> tensorRows);
        device.exclusively(() -> {
            for (int i = 0; i < LAUNCHES; i++) {
                launches.matmul(product);
            }
        });
        long best = Long.MAX_VALUE;
        try (CudaStep step = new CudaStep(device, plan.launches(), List.of())) {
            // The first two runs load the kernels and make a graph of the launches.
            for (int round = -2; round < ROUNDS; round++) {
                long start = System.nanoTime();
                device.queue().submit(step);
                device.queue().await();
                best = round < 0 ? best : Math.min(best, System.nanoTime() - start);
            }
        }
        return best;
    }
}
