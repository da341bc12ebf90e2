package dev.nibble.check;

import dev.nibble.DeviceInfo;
import dev.nibble.cli.Json;
import dev.nibble.cli.Table;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import tools.jackson.databind.JsonNode;

/** What was found, for programs and for people. */
final class CheckReport {
    /** Kernels that take less of a step are left out of the table for people. */
    private static final double LEAST_SHARE = 0.01;

    private final List<PartOutcome> outcomes;

    CheckReport(List<PartOutcome> outcomes) {
        this.outcomes = List.copyOf(outcomes);
    }

    /** Whether nothing is wrong. */
    boolean isGood() {
        return outcomes.stream().allMatch(PartOutcome::isGood);
    }

    /** All of it, on one line. */
    String json() {
        return Json.write(Json.object(
                "date", Instant.now().truncatedTo(ChronoUnit.SECONDS).toString(),
                "devices", DeviceInfo.all().stream().map(CheckReport::json).toList(),
                "good", isGood(),
                "parts", outcomes.stream().map(PartOutcome::json).toList()));
    }

    private static Map<String, Object> json(DeviceInfo device) {
        return Json.object("name", device.name(), "available", device.available(), "description", device.description());
    }

    /** Whether each part held, then what was measured. */
    String text() {
        Table parts = new Table("part", "end", ">seconds", "remark");
        for (PartOutcome outcome : outcomes) {
            parts.row(outcome.part().name(), outcome.end().id(), number(outcome.seconds()), outcome.remark());
        }
        Table measured = new Table("part", "on", "what", ">time", "", ">rate", "", ">limit", ">share");
        for (PartOutcome outcome : outcomes) {
            for (JsonNode row : outcome.result().isArray() ? outcome.result() : List.<JsonNode>of()) {
                measure(measured, outcome.part().name(), row);
            }
        }
        return parts.text() + "\n" + (measured.rows().size() > 1 ? measured.text() : "");
    }

    private static void measure(Table table, String part, JsonNode row) {
        if (row.has("kernel")) {
            if (row.path("share_of_step").asDouble(1) >= LEAST_SHARE) {
                kernel(table, part, row);
            }
        } else if (row.has("tokens_per_second")) {
            model(table, part, row);
        } else if (row.has("avg_ts")) {
            String test = row.path("n_gen").asInt() > 0 ? "tg" + row.get("n_gen") : "pp" + row.get("n_prompt");
            String[] speed = {number(row.get("avg_ts").asDouble()), "tokens/s"};
            table.row(part, row.path("model_type").asString(""), test, speed[0], speed[1], "", "", "", "");
        } else {
            String what = row.path("what").asString("");
            String microseconds = number(row.path("microseconds").asDouble());
            String rate = number(row.path("rate").asDouble());
            table.row(part, "", what, microseconds, "us", rate, row.path("unit").asString(""), "", "");
        }
    }

    private static void kernel(Table table, String part, JsonNode row) {
        boolean reads = row.at("/roofline/unit").asString("").equals("GB/s");
        table.row(
                part,
                row.path("model").asString("") + " " + row.path("type").asString(""),
                row.path("test").asString("") + " " + row.path("kernel").asString(""),
                number(row.path("microseconds").asDouble()),
                "us",
                number(row.path(reads ? "gigabytes_per_second" : "gigaflops_per_second")
                        .asDouble()),
                row.at("/roofline/unit").asString(""),
                number(row.at("/roofline/mean").asDouble(Double.NaN)),
                number(row.path("share_of_roofline").asDouble(Double.NaN)));
    }

    private static void model(Table table, String part, JsonNode row) {
        boolean reads = row.at("/roofline/unit").asString("").equals("GB/s");
        table.row(
                part,
                row.path("model").asString("") + " " + row.path("type").asString(""),
                row.path("test").asString(""),
                number(row.at("/tokens_per_second/mean").asDouble()),
                "tokens/s",
                number(row.path(reads ? "gigabytes_per_second" : "gigaflops_per_second")
                        .asDouble()),
                row.at("/roofline/unit").asString(""),
                number(row.at("/roofline/mean").asDouble(Double.NaN)),
                number(row.path("share_of_roofline").asDouble(Double.NaN)));
    }

    private static String number(double value) {
        return Double.isFinite(value) ? String.format(Locale.ROOT, value < 10 ? "%.3f" : "%.1f", value) : "-";
    }
}
