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
 * chosen experts make one parallel region. A row's choice c is row {@code row × used + c} of inputs and outputs, for inputs
 * that are the same for all experts row {@code row}.
 */
final class ExpertMatmulKernel implements Kernel, WorkerPool.Task {
    private final WorkerPool pool;
    private final Live live;
    private final CpuBuffer ids;
    private final List<Input> inputs;
    private final int experts;
    private final boolean shared;

    /** The choices by expert: those of expert e lie from {@code firstChoice[e]} on. */
    private final int[] firstChoice;

    private final List<TiledProduct> tiled = new ArrayList<>();
    private final List<Integer> firstTiles = new ArrayList<>();
    private int[] firstParts = new int[1];

    /** What one weight reads and writes. */
    private record Input(PackedMatrix weight, @Nullable QuantizedActivations quantized, FloatRows x, FloatRows out) {}

    ExpertMatmulKernel(Operation.ExpertMatmul operation, WorkerPool pool) {
        this.pool = pool;
        this.live = Live.of(operation.rows());
        this.ids = (CpuBuffer) operation.ids();
        WeightShape shape = operation.products().getFirst().weight().shape();
        this.shared = operation.x().width() == shape.columns();
        this.experts = shape.matrices();
        this.inputs = operation.products().stream()
                .map(product -> input(operation, product))
                .toList();
        this.firstChoice = new int[experts + 1];
    }

    private static Input input(Operation.ExpertMatmul operation, Product product) {
        WeightShape shape = product.weight().shape();
        QuantizedActivations quantized = operation.quantized() == null || shape.takesFloats()
                ? null
                : ((QuantizedBuffer) operation.quantized()).content().reshaped(shape.columns());
        if (quantized != null) {
            quantized.require(shape.type());
        }
        return new Input(
                ((MatrixWeight) product.weight()).matrix(),
                quantized,
                new FloatRows(((CpuBuffer) operation.x()).segment(), 4L * shape.columns()),
                new FloatRows(((CpuBuffer) product.out()).segment(), 4L * shape.rows()));
    }

    @Override
    public void run() {
        int choices = live.count() * ids.width();
        if (choices > 0) {
            pool.run(this, plan(choices));
        }
    }

    /** Sorts the choices by expert and lists the products; returns the number of tiles. */
    private int plan(int choices) {
        tiled.clear();
        firstTiles.clear();
        int[] outputs = sortByExpert(choices);
        int parts = 0;
        firstParts = Arrays.copyOf(firstParts, experts * inputs.size() + 1);
        for (int expert = 0; expert < experts; expert++) {
            int[] chosen = Arrays.copyOfRange(outputs, firstChoice[expert], firstChoice[expert + 1]);
            if (chosen.length == 0) {
                continue;
            }
            int[] rows = shared
                    ? Arrays.stream(chosen).map(choice -> choice / ids.width()).toArray()
                    : chosen;
            RowSelection selection = new RowSelection(chosen.length, rows, chosen);
            for (Input input : inputs) {
                int tiles = PackedMatrix.tilesPerMatrix(input.weight().shape());
                firstParts[tiled.size()] = parts;
                firstTiles.add(expert * tiles);
                tiled.add(new TiledProduct(input.weight(), input.quantized(), input.x(), selection, input.out(), null));
                parts += tiles;
            }
        }
        firstParts[tiled.size()] = parts;
        return parts;
    }

    private int[] sortByExpert(int choices) {
        Arrays.fill(firstChoice, 0);
        for (int choice = 0; choice < choices; choice++) {
            firstChoice[expert(choice) + 1]++;
        }
        Arrays.parallelPrefix(firstChoice, Integer::sum);
        int[] sorted = new int[choices];
        int[] next = firstChoice.clone();
        for (int choice = 0; choice < choices; choice++) {
            sorted[next[expert(choice)]++] = choice;
        }
        return sorted;
    }

    private int expert(int choice) {
        int expert = ids.integer(choice);
        if (expert < 0 || expert >= experts) {
            throw new IndexOutOfBoundsException("expert " + expert + " of " + experts);
        }
        return expert;
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
