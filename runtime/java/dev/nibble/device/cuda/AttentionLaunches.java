package dev.nibble.device.cuda;

import dev.nibble.UnsupportedFeatureException;
import dev.nibble.device.Operation;

/** The launches that attend to the KV cache. */
final class AttentionLaunches {
    private final CudaPlan plan;

    AttentionLaunches(CudaPlan plan) {
        this.plan = plan;
    }

    void attention(Operation.Attention attention) {
        throw new UnsupportedFeatureException("device " + plan.device().name() + " has no kernels for attention of "
                + attention.form().heads() + " heads");
    }
}
