package dev.nibble.bench;

import dev.nibble.TokenProjection;
import dev.nibble.cli.ProjectionReport;
import java.util.Collections;
import java.util.List;
import java.util.Optional;

/**
 * Projects what was measured with the first layers of a shape onto all of them, on two devices like the one that was measured: each is
 * taken to reach the same share of its roofline.
 *
 * @param shape the name of a shape, with a number of layers; anything else is not projected
 */
record BenchProjection(String shape) {
    private static final int DEVICES = 2;
    private static final double GIGA = 1e9;

    /** The projection of a generation; empty where there is none. */
    Optional<ProjectionReport> of(BenchRow row) {
        return row.reads()
                ? of(row.model().device(), row.limitRate() * GIGA, row.shareOfRoofline(), row.test())
                : Optional.empty();
    }

    /** The same by the kernels of one token, each alone; empty where there is none. */
    Optional<ProjectionReport> ofKernels(List<KernelRow> rows) {
        if (rows.isEmpty() || rows.getFirst().test().kind() != BenchTest.Kind.GENERATION) {
            return Optional.empty();
        }
        KernelRow first = rows.getFirst();
        double bytes = 0;
        double seconds = 0;
        for (KernelRow row : rows) {
            bytes += (double) row.kernel().count() * row.kernel().bytes();
            seconds += row.kernel().count() * row.kernel().seconds();
        }
        double limit = first.limits().bytesPerSecond();
        return of(first.model().device(), limit, bytes / seconds / limit, first.test());
    }

    private Optional<ProjectionReport> of(String device, double limit, double share, BenchTest test) {
        String whole = shape.replaceFirst("/\\d+:", ":");
        if (whole.equals(shape) || device.contains(",") || !Double.isFinite(share)) {
            return Optional.empty();
        }
        return Optional.of(new ProjectionReport(
                TokenProjection.ofShape(whole, device, DEVICES),
                Collections.nCopies(DEVICES, limit),
                share,
                test.meanContext()));
    }
}
