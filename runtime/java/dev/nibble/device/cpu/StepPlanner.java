package dev.nibble.device.cpu;

import dev.nibble.device.AttentionOperation;
import dev.nibble.device.Exchange;
import dev.nibble.device.Operation;
import dev.nibble.device.RowCount;
import dev.nibble.device.SumNorm;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Turns a list of operations into kernels: neighbours that work on the same rows, each row for itself, become one. */
final class StepPlanner {
    private final CpuDevice device;
    private final WorkerPool pool;
    private final @Nullable NativeKernels natives;
    private final List<Kernel> kernels = new ArrayList<>();
    private final List<RowWork> chain = new ArrayList<>();
    private final List<RotationTable> tables = new ArrayList<>();
    private @Nullable RowCount chainRows;

    StepPlanner(CpuDevice device) {
        this.device = device;
        this.pool = device.pool();
        this.natives = device.kernels().orElse(null);
    }

    List<Kernel> plan(List<Operation> operations) {
        operations.forEach(this::plan);
        endChain();
        return kernels;
    }

    private void plan(Operation operation) {
        switch (operation) {
            case Operation.Embed embed -> add(embed, new EmbedRow(embed, pool.threads()));
            case Operation.Gather gather -> {
                endChain();
                add(gather, new GatherRow(gather));
            }
            case Operation.Norm norm -> add(norm, new NormRow(norm, natives));
            case Operation.AddNorm norm -> add(norm, new NormRow(norm, natives));
            case SumNorm ignored -> throw Exchange.foreign();
            case Operation.Quantize quantize ->
                add(quantize, device.isFixedPoint() ? new FixedPointQuantizeRow(quantize) : new QuantizeRow(quantize));
            case Operation.Rope rope -> add(rope, new RopeRow(rope, table(rope), natives));
            case Operation.Hadamard hadamard -> add(hadamard, new HadamardRow(hadamard));
            case AttentionOperation.WriteKv write -> add(write, new WriteKvRow(write, pool.threads()));
            case Operation.Gate gate -> add(gate, new GateRow(gate, natives));
            case Operation.Route route -> add(route, new RouteRow(route, pool.threads()));
            case Operation.Combine combine -> add(combine, new CombineRow(combine));
            case Operation.ArgMax argMax -> add(argMax, new ArgMaxRow(argMax, natives));
            case Operation.TopK topK -> add(topK, new TopKRow(topK, pool.threads()));
            case Operation.Advance advance -> add(advance, new AdvanceRow(advance));
            case AttentionOperation.ReadLatent read -> {
                endChain();
                add(read, new ReadLatentRow(read));
            }
            case Operation.JoinHeads join -> add(join, new JoinHeadsRow(join));
            case AttentionOperation.TileAttention attention -> add(new AttentionKernel(attention, device));
            case AttentionOperation.Attention attention -> add(new AttentionKernel(attention, device));
            case AttentionOperation.LatentAttention attention -> add(new AttentionKernel(attention, device));
            case Operation.Matmul matmul ->
                add(
                        device.isFixedPoint()
                                ? new FixedPointMatmulKernel(matmul, device)
                                : new MatmulKernel(matmul, pool, natives));
            case Operation.ExpertMatmul matmul ->
                add(
                        device.isFixedPoint()
                                ? new FixedPointExpertKernel(matmul, device)
                                : new ExpertMatmulKernel(matmul, pool, natives));
        }
    }

    private void add(Kernel kernel) {
        endChain();
        kernels.add(kernel);
    }

    private void add(Operation operation, RowWork work) {
        if (!operation.rows().equals(chainRows)) {
            endChain();
        }
        chainRows = operation.rows();
        chain.add(work);
    }

    private void endChain() {
        if (chainRows != null && !chain.isEmpty()) {
            kernels.add(new RowChain(pool, Live.of(chainRows), chain));
        }
        chain.clear();
        chainRows = null;
    }

    /** The table of angles that serves this operation, computed before it unless an earlier operation had it computed. */
    private RotationTable table(Operation.Rope rope) {
        for (RotationTable table : tables) {
            if (table.serves(rope)) {
                return table;
            }
        }
        RotationTable table = new RotationTable(rope);
        tables.add(table);
        add(rope, table);
        return table;
    }
}
