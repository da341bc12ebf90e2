package dev.nibble.bench;

import dev.nibble.ModelInfo;
import dev.nibble.cli.Json;
import dev.nibble.cli.ProjectionReport;
import dev.nibble.cli.Table;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Rows for people and programs. */
final class BenchReport {
    private static final String NONE = "-";

    private static final List<String> HEADINGS = List.of(
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
            ">share");

    /** What devices copy and how long that takes stands there for a token. */
    private static final List<String> PART_HEADINGS =
            List.of(">busy", ">exchange", ">kB copied", ">us copy", ">us all-reduce");

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
        ProjectionReport projection = row.projection();
        if (projection != null) {
            json.put("projection", projection.json());
        }
        if (!row.parts().isEmpty()) {
            json.put(
                    "devices",
                    row.parts().stream().map(part -> json(row.model(), part)).toList());
        }
        return json;
    }

    private static Map<String, Object> json(ModelInfo model, PartRow part) {
        Map<String, Object> json = Json.object(
                "device", model.deviceLabel(part.share().device()),
                "busy_share", finite(part.busyShare()),
                "exchange_share", finite(part.exchangeShare()),
                "weight_bytes_per_token", part.share().weightBytes(),
                "kv_bytes_per_cached_token", part.share().kvBytes(),
                "bytes_per_token", part.bytesPerToken(),
                "copied_bytes_per_token", part.copiedBytesPerToken(),
                "copy_microseconds_per_token", finite(part.copyMicroseconds()),
                "all_reduce_microseconds_per_token", finite(part.reduceMicroseconds()),
                "rate_while_busy", finite(part.rate()));
        json.put("roofline", Json.object("unit", part.rateUnit(), "mean", finite(part.limitRate())));
        json.put("share_of_roofline_while_busy", finite(part.shareOfRoofline()));
        return json;
    }

    /** A number; null if it is none, which JSON has no word for. */
    static @Nullable Double finite(double value) {
        return Double.isFinite(value) ? value : null;
    }

    /**
     * The table that text, Markdown and CSV show; where several devices worked, with a row for each of them after the one for all, and with
     * the columns of what they did; with a column of energy where any was measured.
     */
    static Table table(List<BenchRow> rows) {
        boolean energy = rows.stream().anyMatch(row -> Double.isFinite(row.joulesPerToken()));
        boolean parts = rows.stream().anyMatch(row -> !row.parts().isEmpty());
        List<String> headings = new ArrayList<>(HEADINGS);
        if (parts) {
            headings.addAll(PART_HEADINGS);
        }
        if (energy) {
            headings.add(">J/token");
        }
        Table table = new Table(headings.toArray(String[]::new));
        for (BenchRow row : rows) {
            List<String> cells = cells(row);
            if (parts) {
                cells.addAll(Collections.nCopies(PART_HEADINGS.size(), NONE));
            }
            if (energy) {
                cells.add(number("%.3f", row.joulesPerToken()));
            }
            table.row(cells.toArray(String[]::new));
            for (PartRow part : row.parts()) {
                List<String> more = cells(row, part);
                if (energy) {
                    more.add(NONE);
                }
                table.row(more.toArray(String[]::new));
            }
        }
        return table;
    }

    private static List<String> cells(BenchRow row) {
        return new ArrayList<>(List.of(
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
    }

    private static List<String> cells(BenchRow row, PartRow part) {
        return new ArrayList<>(List.of(
                row.model().name(),
                row.model().type(),
                row.model().deviceLabel(part.share().device()),
                String.valueOf(row.model().threads()),
                row.test().name(),
                NONE,
                NONE,
                number("%.2f", part.bytesPerToken() / 1e6),
                number("%.2f", part.rate()),
                row.rateUnit(),
                number("%.2f", part.limitRate()),
                number("%.3f", part.shareOfRoofline()),
                number("%.3f", part.busyShare()),
                number("%.3f", part.exchangeShare()),
                number("%.2f", part.copiedBytesPerToken() / 1e3),
                number("%.1f", part.copyMicroseconds()),
                number("%.1f", part.reduceMicroseconds())));
    }

    /** A number in a fixed format; a dash if there is none. */
    static String number(String format, double value) {
        return Double.isFinite(value) ? String.format(Locale.ROOT, format, value) : NONE;
    }
}
