package dev.nibble.device.cpu;

import dev.nibble.quant.affine.OutputScale;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Products in integers that run together: the tiles of all of them make one parallel region for each pass. */
final class FixedPointRegion {
    /** Below so many multiplications, waking others costs more than it saves. */
    private static final long SUM_PARALLEL_ABOVE = 200_000;

    /** The same for results that are requantized. */
    private static final long REQUANTIZE_PARALLEL_ABOVE = 10_000;

    private final WorkerPool pool;
    private final WorkerPool.Task sum = this::sum;
    private final WorkerPool.Task requantize = this::requantize;
    private final List<FixedPointProduct> products = new ArrayList<>();

    /** Where each product's tiles and inputs begin, and after the last one where they end. */
    private int[] firstTiles = new int[1];

    private int[] firstInputs = new int[1];

    /** (thread, input, 2): the least and the greatest sum that the thread has seen. */
    private int[] ends = new int[0];

    /** (input): of the output rows. */
    private @Nullable OutputScale[] scales = new OutputScale[0];

    private long multiplications;
    private long results;

    FixedPointRegion(WorkerPool pool) {
        this.pool = pool;
    }

    /** Chooses the products that {@link #run} computes, until others are chosen. */
    void choose(List<FixedPointProduct> chosen) {
        products.clear();
        products.addAll(chosen);
        firstTiles = new int[products.size() + 1];
        firstInputs = new int[products.size() + 1];
        multiplications = 0;
        results = 0;
        for (int i = 0; i < products.size(); i++) {
            FixedPointProduct product = products.get(i);
            int inputs = product.selection().count();
            long outputs = (long) inputs * product.weight().shape().rows();
            firstTiles[i + 1] = firstTiles[i] + product.tiles();
            firstInputs[i + 1] = firstInputs[i] + inputs;
            results += outputs;
            multiplications += outputs * product.weight().shape().columns();
        }
        ends = new int[2 * inputs() * pool.threads()];
        scales = new OutputScale[inputs()];
    }

    private int inputs() {
        return firstInputs[products.size()];
    }

    /** Computes the products. */
    void run() {
        Arrays.fill(ends, 0);
        run(sum, multiplications < SUM_PARALLEL_ABOVE);
        for (int i = 0; i < products.size(); i++) {
            for (int input = firstInputs[i]; input < firstInputs[i + 1]; input++) {
                scales[input] = scale(products.get(i), input - firstInputs[i], input);
            }
        }
        run(requantize, results < REQUANTIZE_PARALLEL_ABOVE);
    }

    private void run(WorkerPool.Task task, boolean alone) {
        int tiles = firstTiles[products.size()];
        if (alone) {
            task.run(0, tiles, 0);
        } else {
            pool.run(task, tiles);
        }
    }

    private @Nullable OutputScale scale(FixedPointProduct product, int input, int index) {
        int least = 0;
        int greatest = 0;
        for (int thread = 0; thread < pool.threads(); thread++) {
            int at = 2 * (thread * inputs() + index);
            least = Math.min(least, ends[at]);
            greatest = Math.max(greatest, ends[at + 1]);
        }
        return product.scale(input, least, greatest);
    }

    private void sum(int begin, int end, int thread) {
        for (int i = 0; i < products.size(); i++) {
            int from = Math.max(begin, firstTiles[i]) - firstTiles[i];
            int to = Math.min(end, firstTiles[i + 1]) - firstTiles[i];
            if (from < to) {
                products.get(i).sum(from, to, ends, 2 * (thread * inputs() + firstInputs[i]));
            }
        }
    }

    private void requantize(int begin, int end, int thread) {
        for (int i = 0; i < products.size(); i++) {
            int from = Math.max(begin, firstTiles[i]) - firstTiles[i];
            int to = Math.min(end, firstTiles[i + 1]) - firstTiles[i];
            if (from < to) {
                products.get(i).requantize(from, to, scales, firstInputs[i]);
            }
        }
    }
}
