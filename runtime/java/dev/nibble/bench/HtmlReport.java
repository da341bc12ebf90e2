package dev.nibble.bench;

import dev.nibble.cli.Table;
import java.util.List;
import java.util.Locale;

/** One self-contained page: a bar chart of the share of the roofline per test and type, and the table. */
final class HtmlReport {
    private static final int WIDTH = 900;
    private static final int LABELS = 260;
    private static final int NUMBERS = 190;
    private static final int BAR = 22;
    private static final int ROW = 32;
    private static final int AXIS = 28;
    private static final int MARKS = 5;
    private static final double FULL = 1.0;

    private static final String HEAD = """
            <!DOCTYPE html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <title>runtime-bench</title>
            <style>
            :root { color-scheme: light dark; --ink: #1c2430; --soft: #66707f; --line: #dde2e8; --page: #ffffff; --tg: #2f6fdb; --pp: #d9822b; }
            @media (prefers-color-scheme: dark) {
              :root { --ink: #e6eaf0; --soft: #97a1b0; --line: #333c48; --page: #14181e; --tg: #6ea1ff; --pp: #f0a860; }
            }
            body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--page); max-width: 64rem; margin: 2rem auto; padding: 0 1rem; }
            h1 { font-size: 1.4rem; } h2 { font-size: 1.1rem; margin-top: 2rem; }
            p { color: var(--soft); }
            svg { width: 100%; height: auto; }
            svg text { font: 13px system-ui, sans-serif; fill: var(--ink); }
            svg .soft { fill: var(--soft); }
            svg line { stroke: var(--line); }
            svg .tg { fill: var(--tg); } svg .pp { fill: var(--pp); }
            .scroll { overflow-x: auto; }
            table { border-collapse: collapse; white-space: nowrap; }
            th, td { padding: .25rem .5rem; border-bottom: 1px solid var(--line); text-align: left; }
            td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; }
            </style>
            </head>
            <body>
            """;

    private HtmlReport() {}

    /** The page. */
    static String page(List<BenchRow> rows) {
        return HEAD + "<h1>Share of the roofline</h1>\n<p>" + escape(machine(rows)) + "</p>\n" + chart(rows)
                + "<p>Generation (tg) is measured against the fastest streaming read of memory, prompts (pp) against the fastest"
                + " product of small quantized matrices; both limits were measured in the same run.</p>\n"
                + "<h2>Measurements</h2>\n<div class=\"scroll\"><table>\n" + table(rows)
                + "</table></div>\n</body>\n</html>\n";
    }

    private static String machine(List<BenchRow> rows) {
        return rows.stream()
                        .map(row -> row.model().device() + ": " + row.model().deviceDescription())
                        .distinct()
                        .reduce((a, b) -> a + "; " + b)
                        .orElse("")
                + "; Java " + Runtime.version();
    }

    private static String chart(List<BenchRow> rows) {
        double most = Math.max(
                FULL,
                rows.stream()
                        .mapToDouble(BenchRow::shareOfRoofline)
                        .filter(Double::isFinite)
                        .max()
                        .orElse(FULL));
        int height = rows.size() * ROW + AXIS;
        StringBuilder svg = new StringBuilder();
        svg.append(String.format(
                Locale.ROOT,
                "<svg viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"share of the roofline per test and type\">%n",
                WIDTH,
                height));
        for (int i = 0; i <= MARKS; i++) {
            double share = FULL * i / MARKS;
            double x = x(share, most);
            svg.append(String.format(
                    Locale.ROOT,
                    "<line x1=\"%.1f\" y1=\"0\" x2=\"%.1f\" y2=\"%d\"/>"
                            + "<text class=\"soft\" x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%.0f%%</text>%n",
                    x,
                    x,
                    rows.size() * ROW,
                    x,
                    height - AXIS / 3,
                    share * 100));
        }
        for (int i = 0; i < rows.size(); i++) {
            svg.append(bar(rows.get(i), i * ROW, most));
        }
        return svg.append("</svg>\n").toString();
    }

    private static String bar(BenchRow row, int top, double most) {
        double share = row.shareOfRoofline();
        double end = x(Double.isFinite(share) ? share : 0, most);
        int baseline = top + ROW / 2 + 5;
        return String.format(
                Locale.ROOT,
                "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">%s</text>"
                        + "<rect class=\"%s\" x=\"%d\" y=\"%d\" width=\"%.1f\" height=\"%d\" rx=\"3\"/>"
                        + "<text x=\"%.1f\" y=\"%d\">%s <tspan class=\"soft\">%s tok/s</tspan></text>%n",
                LABELS - 10,
                baseline,
                escape(row.model().name() + " " + row.model().type() + " "
                        + row.test().name()),
                row.reads() ? "tg" : "pp",
                LABELS,
                top + (ROW - BAR) / 2,
                end - LABELS,
                BAR,
                end + 8,
                baseline,
                BenchReport.number("%.0f%%", share * 100),
                BenchReport.number("%.1f", row.speed().mean()));
    }

    private static double x(double share, double most) {
        return LABELS + (WIDTH - LABELS - NUMBERS) * share / most;
    }

    private static String table(List<BenchRow> rows) {
        StringBuilder html = new StringBuilder();
        Table table = BenchReport.table(rows);
        for (List<String> cells : table.rows()) {
            String tag = html.isEmpty() ? "th" : "td";
            html.append("<tr>");
            for (int i = 0; i < cells.size(); i++) {
                String kind = table.isRight(i) ? " class=\"number\"" : "";
                html.append('<').append(tag).append(kind).append('>');
                html.append(escape(cells.get(i))).append("</").append(tag).append('>');
            }
            html.append("</tr>\n");
        }
        return html.toString();
    }

    private static String escape(String text) {
        return text.replace("&", "&amp;")
                .replace("<", "&lt;")
                .replace(">", "&gt;")
                .replace("\"", "&quot;");
    }
}
