package dev.nibble.device.kernel;

import dev.nibble.device.AttentionOperation;
import dev.nibble.device.KvLayout;
import dev.nibble.device.Operation;
import dev.nibble.device.RopeStyle;

/** The launches that write the KV cache, {@code kv}, and that read latent vectors back, {@code expand}. */
final class KvLaunches {
    private final SharedKernels kernels;

    KvLaunches(SharedKernels kernels) {
        this.kernels = kernels;
    }

    void writeKv(AttentionOperation.WriteKv write) {
        KvLayout layout = write.cache().layout();
        place(write, kernels.kv("write_kv", layout))
                .buffer(write.k())
                .buffer(write.v())
                .integer(layout.keySize())
                .integer(layout.valueSize())
                .pages(write.cache())
                .groups(layout.heads(), write.rows().limit(), kernels.writers());
    }

    /** Everything between the products that make queries, keys and values, and the attention. */
    void turnAndWrite(TurnedHeads heads) {
        AttentionOperation.WriteKv write = heads.write();
        KvLayout layout = write.cache().layout();
        Operation.Rope rope = heads.query();
        Operation.Norm queryNorm = heads.queryNorm();
        Operation.Norm keyNorm = heads.keyNorm();
        int queryHeads = rope.x().width() / rope.headSize();
        place(write, kernels.kv("turn_and_write", layout))
                .buffer(rope.x())
                .buffer(queryNorm == null ? null : queryNorm.weight())
                .buffer(write.k())
                .buffer(keyNorm == null ? null : keyNorm.weight())
                .real(queryNorm == null ? 0 : queryNorm.epsilon())
                .integer(rope.style() == RopeStyle.INTERLEAVED ? 1 : 0)
                .buffer(rope.frequencies())
                .integer(rope.frequencies().width())
                .real(rope.magnitude())
                .buffer(write.v())
                .integer(queryHeads)
                .integer(layout.heads())
                .integer(layout.keySize())
                .integer(layout.valueSize())
                .pages(write.cache())
                .groups(queryHeads + layout.heads(), write.rows().limit(), kernels.writers());
    }

    void readLatent(AttentionOperation.ReadLatent read) {
        KvLayout layout = read.cache().layout();
        kernels.expand("read_latent", layout)
                .buffer(read.rows().live())
                .buffer(read.from())
                .buffer(read.pageTable())
                .integer(read.pageTable().width())
                .pages(read.cache())
                .integer(layout.keySize())
                .integer(layout.valueSize())
                .buffer(read.turned())
                .buffer(read.latent())
                .groups(read.rows().limit(), kernels.writers());
    }

    private static LaunchBuilder place(AttentionOperation.WriteKv write, LaunchBuilder kernel) {
        return kernel.buffer(write.rows().live())
                .buffer(write.positions())
                .buffer(write.slots())
                .buffer(write.pageTable())
                .integer(write.pageTable().width());
    }
}
