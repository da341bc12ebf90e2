package dev.nibble.device.cuda;

import dev.nibble.device.Exchange;
import dev.nibble.device.NormKind;
import dev.nibble.device.Operation;
import dev.nibble.device.SumNorm;
import org.jspecify.annotations.Nullable;

/** The launches of sums over devices: {@code exchange}. */
final class ExchangeLaunches {
    private static final String MODULE = "exchange";
    private static final int WARP = 32;
    private static final int MOST_THREADS = 1024;
    private static final int COPIERS = 256;

    /** Neighbouring values that a thread takes at once. */
    private static final int VECTOR = 4;

    private final CudaPlan plan;

    ExchangeLaunches(CudaPlan plan) {
        this.plan = plan;
    }

    /** @param quantized what the result is quantized to in the same launch, or none */
    void sumNorm(SumNorm sum, Operation.@Nullable Quantize quantized) {
        CudaExchange exchange = (CudaExchange) sum.exchange();
        int buffer = Exchange.buffer(sum.turn());
        boolean takes = sum.turn() == 0;
        if (takes) {
            plan.kernel(MODULE, "begin_step").memory(exchange.state()).groups(1, 1);
        }
        if (!takes || exchange.isFirst()) {
            publish(sum, exchange, buffer);
        }
        int width = sum.residual().width();
        plan.kernel(MODULE, "sum_norm")
                .buffer(sum.rows().live())
                .memory(exchange.state())
                .integer(buffer)
                .integer(sum.turn())
                .integer(takes ? 1 : 0)
                .buffer(sum.residual())
                .buffer(sum.weight())
                .buffer(sum.bias())
                .buffer(sum.out())
                .quantized(quantized == null ? null : quantized.out())
                .integer(width)
                .integer(sum.kind() == NormKind.LAYER ? 1 : 0)
                .real(sum.epsilon())
                .groups(sum.rows().limit(), threads(width));
    }

    /** To where other devices read it, if they do not read the buffer itself. */
    private void publish(SumNorm sum, CudaExchange exchange, int buffer) {
        long published = exchange.published(buffer);
        if (published != 0) {
            int width = sum.residual().width();
            plan.kernel(MODULE, "publish")
                    .buffer(sum.rows().live())
                    .buffer(exchange.buffer(buffer))
                    .wide(published)
                    .integer(width)
                    .groups(Math.ceilDiv(width, VECTOR * COPIERS), sum.rows().limit(), COPIERS);
        }
    }

    /** As many as there are reads of four values, so that all of them are on the way at once. */
    private static int threads(int width) {
        int reads = Math.ceilDiv(width, VECTOR);
        return Math.clamp(Math.ceilDiv(reads, WARP) * (long) WARP, WARP, MOST_THREADS);
    }
}
