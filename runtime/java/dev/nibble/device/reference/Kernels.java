package dev.nibble.device.reference;

import dev.nibble.device.AttentionOperation;
import dev.nibble.device.Exchange;
import dev.nibble.device.Operation;
import dev.nibble.device.SumNorm;

/** Finds the method that does an operation. */
record Kernels(Workers workers) {
    void run(Operation operation) {
        Rows rows = Rows.of(operation);
        switch (operation) {
            case Operation.Embed embed -> LookupKernels.embed(embed, rows);
            case Operation.Gather gather -> LookupKernels.gather(gather, rows);
            case Operation.Norm norm -> NormKernels.norm(norm, rows);
            case Operation.AddNorm addNorm -> NormKernels.addNorm(addNorm, rows);
            case SumNorm ignored -> throw Exchange.foreign();
            case Operation.Quantize quantize -> MatmulKernels.quantize(quantize, rows);
            case Operation.Matmul matmul -> MatmulKernels.matmul(matmul, rows, workers);
            case Operation.Rope rope -> RopeKernels.rope(rope, rows);
            case Operation.Hadamard hadamard -> HadamardKernels.hadamard(hadamard, rows);
            case AttentionOperation.WriteKv writeKv -> AttentionKernels.writeKv(writeKv, rows);
            case AttentionOperation.Attention attention -> AttentionKernels.attention(attention, rows);
            case AttentionOperation.LatentAttention attention -> LatentKernels.attention(attention, rows);
            case AttentionOperation.ReadLatent read -> LatentKernels.read(read, rows);
            case AttentionOperation.TileAttention attention -> TileKernels.attention(attention, rows);
            case Operation.JoinHeads join -> LatentKernels.join(join, rows);
            case Operation.Gate gate -> GateKernels.gate(gate, rows);
            case Operation.Route route -> ExpertKernels.route(route, rows);
            case Operation.ExpertMatmul matmul -> ExpertKernels.matmul(matmul, rows, workers);
            case Operation.Combine combine -> ExpertKernels.combine(combine, rows);
            case Operation.ArgMax argMax -> SampleKernels.argMax(argMax, rows);
            case Operation.TopK topK -> SampleKernels.topK(topK, rows);
            case Operation.Advance advance -> SampleKernels.advance(advance, rows);
        }
    }
}
