package dev.nibble.device.cpu;

import dev.nibble.device.Operation;
import dev.nibble.device.Operation.Product;
import dev.nibble.device.WeightShape;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * {@link Operation.ExpertMatmul}: the rows that chose an expert are multiplied by its matrices together; the tiles of all
 * chosen experts make one parallel region.
 */
final class ExpertMatmulKernel implements Kernel, WorkerPool.Task {
    private final WorkerPool pool;
    private final Live live;
    private final List<Input> inputs;
    private final ExpertChoices choices;
    private final List<TiledProduct> tiled = new ArrayList<>();
    private final List<Integer> firstTiles = new ArrayList<>();
    private int[] firstParts = new int[1];

    /** What one weight reads and writes. */
    private record Input(
            PackedMatrix weight,
            @Nullable QuantizedActivations quantized,
            @Nullable FloatActivations floats,
            FloatRows out) {}

    ExpertMatmulKernel(Operation.ExpertMatmul operation, WorkerPool pool, @Nullable NativeKernels natives) {
        this.pool = pool;
        this.live = Live.of(operation.rows());
        WeightShape shape = operation.products().getFirst().weight().shape();
        boolean shared = operation.x().width() == shape.columns();
        this.choices = new ExpertChoices((CpuBuffer) operation.ids(), shape.matrices(), shared);
        this.inputs = operation.products().stream()
                .map(product -> input(operation, product, natives))
                .toList();
    }

    private static Input input(Operation.ExpertMatmul operation, Product product, @Nullable NativeKernels natives) {
        WeightShape shape = product.weight().shape();
        QuantizedActivations quantized = operation.quantized() == null || shape.takesFloats()
                ? null
                : QuantizedBuffer.content(operation.quantized(), QuantizedActivations.class)
                        .reshaped(shape.columns());
        if (quantized != null) {
            quantized.require(shape.type());
        }
        FloatRows x = new FloatRows(((CpuBuffer) operation.x()).segment(), 4L * shape.columns());
        return new Input(
                ((MatrixWeight) product.weight()).matrix(),
                quantized,
                shape.takesFloats() ? new FloatActivations(x, natives) : null,
                new FloatRows(((CpuBuffer) product.out()).segment(), 4L * shape.rows()));
    }

    @Override
    public void run() {
        int rows = live.count();
        if (rows > 0) {
            pool.run(this, plan(rows));
        }
    }

    /** Sorts the choices by expert and lists the products; returns the number of tiles. */
    private int plan(int rows) {
        tiled.clear();
        firstTiles.clear();
        choices.sort(rows);
        int experts = choices.experts();
        int parts = 0;
        firstParts = Arrays.copyOf(firstParts, experts * inputs.size() + 1);
        for (int expert = 0; expert < experts; expert++) {
            RowSelection selection = choices.of(expert);
            if (selection.count() == 0) {
                continue;
            }
            for (Input input : inputs) {
                int tiles = PackedMatrix.tilesPerMatrix(input.weight().shape());
                firstParts[tiled.size()] = parts;
                firstTiles.add(expert * tiles);
                tiled.add(new TiledProduct(
                        input.weight(), input.quantized(), input.floats(), selection, input.out(), null));
                parts += tiles;
            }
        }
        firstParts[tiled.size()] = parts;
        return parts;
    }

    @Override
    public void run(int begin, int end, int thread) {
        for (int i = 0; i < tiled.size(); i++) {
            int from = Math.max(begin, firstParts[i]);
            int to = Math.min(end, firstParts[i + 1]);
            if (from < to) {
                int shift = firstTiles.get(i) - firstParts[i];
                tiled.get(i).compute(from + shift, to + shift);
            }
        }
    }
}
