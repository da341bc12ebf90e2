package dev.nibble.cli;

import dev.nibble.evaluation.Trial;
import dev.nibble.evaluation.TuningReport;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/** One self-contained page about a tuning: what is recommended, two charts, the measurements, the steps. */
final class TuneHtml {
    private static final String HEAD = """
            <!DOCTYPE html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <title>nibble tune</title>
            <style>
            :root { color-scheme: light dark; --ink: #1c2430; --soft: #66707f; --line: #dde2e8; --page: #ffffff; --point: #2f6fdb; --best: #d9822b; }
            @media (prefers-color-scheme: dark) {
              :root { --ink: #e6eaf0; --soft: #97a1b0; --line: #333c48; --page: #14181e; --point: #6ea1ff; --best: #f0a860; }
            }
            body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--page); max-width: 64rem; margin: 2rem auto; padding: 0 1rem; }
            h1 { font-size: 1.4rem; } h2 { font-size: 1.1rem; margin-top: 2rem; }
            p, li { color: var(--soft); } p.verdict { color: var(--ink); white-space: pre-line; }
            svg { width: 100%; height: auto; }
            svg text { font: 13px system-ui, sans-serif; fill: var(--ink); }
            svg .soft { fill: var(--soft); }
            svg line { stroke: var(--line); }
            svg .front { fill: none; stroke: var(--point); stroke-opacity: .5; stroke-width: 2; }
            svg circle { fill: var(--point); } svg circle.best { fill: var(--best); }
            .scroll { overflow-x: auto; }
            table { border-collapse: collapse; white-space: nowrap; }
            th, td { padding: .25rem .5rem; border-bottom: 1px solid var(--line); text-align: left; }
            td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; }
            </style>
            </head>
            <body>
            """;

    private TuneHtml() {}

    /** The page. */
    static String page(TuneReport tuning) {
        TuningReport report = tuning.report();
        return HEAD + "<h1>" + escape(report.model()) + "</h1>\n<p class=\"verdict\">" + escape(tuning.verdict())
                + "</p>\n<p>" + escape(machine(report)) + "</p>\n"
                + "<h2>Quality against size</h2>\n"
                + chart(
                        report,
                        new TradeOffChart("loss: mean KL divergence from the base, nats", "%.4f", Trial::loss, true))
                + "<h2>Speed against size</h2>\n"
                + chart(
                        report,
                        new TradeOffChart(
                                "generation, tokens per second",
                                "%.0f",
                                trial -> trial.speed().generation(),
                                false))
                + "<p>To the right: more memory, weights and context together. The line joins the choices that no other"
                + " beats in both at once (the Pareto front).</p>\n"
                + "<h2>Measurements</h2>\n<div class=\"scroll\"><table>\n" + rows(tuning.table())
                + "</table></div>\n<h2>Steps</h2>\n<ul>\n"
                + report.steps().stream()
                        .map(step -> "<li>" + escape(step) + "</li>\n")
                        .collect(Collectors.joining())
                + "</ul>\n</body>\n</html>\n";
    }

    private static String machine(TuningReport report) {
        String limit = report.memoryLimit() == Long.MAX_VALUE
                ? "no limit of memory"
                : "at most " + Bytes.text(report.memoryLimit()) + " of memory";
        return "device " + report.device() + "; room for " + report.contextLength() + " tokens of context; " + limit
                + "; preferred: " + report.preference().name().toLowerCase(Locale.ROOT) + "; Java " + Runtime.version();
    }

    private static String chart(TuningReport report, TradeOffChart chart) {
        List<Trial> front = report.front(trial -> chart.lowIsGood() ? chart.value(trial) : -chart.value(trial));
        return chart.svg(report.trials(), front, report.recommended());
    }

    private static String rows(Table table) {
        List<String> rows = new ArrayList<>();
        for (List<String> cells : table.rows()) {
            String tag = rows.isEmpty() ? "th" : "td";
            StringBuilder row = new StringBuilder("<tr>");
            for (int i = 0; i < cells.size(); i++) {
                row.append('<').append(tag).append(table.isRight(i) ? " class=\"number\">" : ">");
                row.append(escape(cells.get(i))).append("</").append(tag).append('>');
            }
            rows.add(row.append("</tr>\n").toString());
        }
        return String.join("", rows);
    }

    /** Text as HTML shows it. */
    static String escape(String text) {
        return text.replace("&", "&amp;")
                .replace("<", "&lt;")
                .replace(">", "&gt;")
                .replace("\"", "&quot;");
    }
}
