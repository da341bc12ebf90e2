package dev.nibble.bench;

import static dev.nibble.bench.BenchReport.finite;
import static dev.nibble.bench.BenchReport.number;

import dev.nibble.cli.Json;
import dev.nibble.cli.Table;
import java.util.List;
import java.util.stream.Collectors;

/** Kernels for people and programs. */
final class KernelReport {
    private KernelReport() {}

    /** An array with one JSON object per kernel, each on a line of its own. */
    static String json(List<KernelRow> rows) {
        return rows.stream()
                .map(row -> Json.write(Json.object(
                        "test", row.test().name(),
                        "model", row.model().name(),
                        "type", row.model().type(),
                        "device", row.deviceLabel(),
                        "threads", row.model().threads(),
                        "kernel", row.kernel().name(),
                        "rows", row.kernel().rows(),
                        "count", row.kernel().count(),
                        "microseconds", row.microseconds(),
                        "share_of_step", finite(row.shareOfStep()),
                        "bytes", row.kernel().bytes(),
                        "multiply_adds", row.kernel().multiplyAdds(),
                        "gigabytes_per_second", finite(row.gigabytesPerSecond()),
                        "gigaflops_per_second", finite(row.gigaflopsPerSecond()),
                        "roofline", Json.object("unit", row.rateUnit(), "mean", finite(row.limitRate())),
                        "share_of_roofline", finite(row.shareOfRoofline()))))
                .collect(Collectors.joining(",\n", "[\n", "\n]"));
    }

    /** The table that text, Markdown and CSV show. */
    static Table table(List<KernelRow> rows) {
        Table table = new Table(
                "model",
                "type",
                "device",
                ">threads",
                "test",
                "kernel",
                ">rows",
                ">count",
                ">us",
                ">of step",
                ">rate",
                "unit",
                ">roofline",
                ">share");
        for (KernelRow row : rows) {
            table.row(
                    row.model().name(),
                    row.model().type(),
                    row.deviceLabel(),
                    String.valueOf(row.model().threads()),
                    row.test().name(),
                    row.kernel().name(),
                    String.valueOf(row.kernel().rows()),
                    String.valueOf(row.kernel().count()),
                    number("%.1f", row.microseconds()),
                    number("%.3f", row.shareOfStep()),
                    number("%.2f", row.rate()),
                    row.rateUnit(),
                    number("%.2f", row.limitRate()),
                    number("%.3f", row.shareOfRoofline()));
        }
        return table;
    }
}
