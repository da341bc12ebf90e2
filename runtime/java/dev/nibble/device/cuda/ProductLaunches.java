package dev.nibble.device.cuda;

import dev.nibble.UnsupportedFeatureException;
import dev.nibble.device.Operation;
import dev.nibble.device.kernel.LaunchPlanner;

/** The launches of operations with weights. */
final class ProductLaunches implements LaunchPlanner.Products {
    private final CudaPlan plan;

    ProductLaunches(CudaPlan plan) {
        this.plan = plan;
    }

    @Override
    public void embed(Operation.Embed embed) {
        throw missing(embed);
    }

    @Override
    public void matmul(Operation.Matmul matmul) {
        throw missing(matmul);
    }

    @Override
    public void expertMatmul(Operation.ExpertMatmul matmul) {
        throw missing(matmul);
    }

    private UnsupportedFeatureException missing(Operation operation) {
        return new UnsupportedFeatureException("device " + plan.device().name() + " has no kernels for "
                + operation.getClass().getSimpleName());
    }
}
