package dev.nibble.device;

import dev.nibble.device.OperationChecks.Shapes;
import org.jspecify.annotations.Nullable;

/**
 * Adds the parts of all devices to the residual stream, in the order of the devices, then normalises it: residual += part + part …;
 * out = norm(residual). In turn 0, residual = what the first device has. All devices get the same values.
 *
 * @param epsilon added to the mean square or variance
 * @param exchange where the parts of (n, width) are
 * @param turn of the exchange in this step
 * @param residual (n, width), read and written; in turn 0 the first device's buffer 0 may be its own
 * @param weight (1, width)
 * @param bias (1, width), or none
 * @param out (n, width)
 */
public record SumNorm(
        RowCount rows,
        NormKind kind,
        float epsilon,
        Exchange exchange,
        int turn,
        Buffer residual,
        Buffer weight,
        @Nullable Buffer bias,
        Buffer out)
        implements Operation {
    /** Checks the shapes. */
    public SumNorm {
        int width = weight.width();
        Shapes shapes = Shapes.of("sumNorm", rows)
                .floats(residual, width)
                .floats(out, width)
                .values(weight, width)
                .values(bias, width)
                .apart(out, residual);
        if (turn < 0 || turn >= Exchange.MOST_TURNS) {
            throw shapes.wrong("turn " + turn + ", and a step has at most " + Exchange.MOST_TURNS);
        }
    }
}
