package dev.nibble.bench;

import dev.nibble.cli.Json;
import dev.nibble.cli.Table;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Rows for people and programs. */
final class BenchReport {
    private BenchReport() {}

    /** An array with one JSON object per row, each on a line of its own. */
    static String json(List<BenchRow> rows) {
        return rows.stream().map(row -> Json.write(json(row))).collect(Collectors.joining(",\n", "[\n", "\n]"));
    }

    /** What the devices consumed stands there only where it was measured. */
    private static Map<String, Object> json(BenchRow row) {
        Map<String, Object> json = Json.object(
                "test", row.test().name(),
                "model", row.model().name(),
                "type", row.model().type(),
                "device", row.model().deviceLabel(),
                "device_description", row.model().deviceDescription(),
                "threads", row.model().threads(),
                "weight_bytes", row.model().weightBytes(),
                "tokens_per_second",
                        Json.object(
                                "mean", row.speed().mean(),
                                "stddev", row.speed().deviation(),
                                "samples", row.speed().values()),
                "bytes_per_token", row.bytesPerToken(),
                "gigabytes_per_second", row.gigabytesPerSecond(),
                "gigaflops_per_second", row.gigaflopsPerSecond(),
                "roofline",
                        Json.object(
                                "unit", row.rateUnit(),
                                "mean", finite(row.limitRate())),
                "share_of_roofline", finite(row.shareOfRoofline()));
        if (Double.isFinite(row.joulesPerToken())) {
            json.put("joules_per_token", row.joulesPerToken());
        }
        return json;
    }

    /** A number; null if it is none, which JSON has no word for. */
    static @Nullable Double finite(double value) {
        return Double.isFinite(value) ? value : null;
    }

    /** The table that text, Markdown and CSV show; with a column of energy where any was measured. */
    static Table table(List<BenchRow> rows) {
        boolean energy = rows.stream().anyMatch(row -> Double.isFinite(row.joulesPerToken()));
        List<String> headings = new ArrayList<>(List.of(
                "model",
                "type",
                "device",
                ">threads",
                "test",
                ">tokens/s",
                ">stddev",
                ">MB/token",
                ">rate",
                "unit",
                ">roofline",
                ">share"));
        if (energy) {
            headings.add(">J/token");
        }
        Table table = new Table(headings.toArray(String[]::new));
        for (BenchRow row : rows) {
            List<String> cells = new ArrayList<>(List.of(
                    row.model().name(),
                    row.model().type(),
                    row.model().deviceLabel(),
                    String.valueOf(row.model().threads()),
                    row.test().name(),
                    number("%.2f", row.speed().mean()),
                    number("%.2f", row.speed().deviation()),
                    number("%.2f", row.bytesPerToken() / 1e6),
                    number("%.2f", row.rate()),
                    row.rateUnit(),
                    number("%.2f", row.limitRate()),
                    number("%.3f", row.shareOfRoofline())));
            if (energy) {
                cells.add(number("%.3f", row.joulesPerToken()));
            }
            table.row(cells.toArray(String[]::new));
        }
        return table;
    }

    /** A number in a fixed format; a dash if there is none. */
    static String number(String format, double value) {
        return Double.isFinite(value) ? String.format(Locale.ROOT, format, value) : "-";
    }
}
