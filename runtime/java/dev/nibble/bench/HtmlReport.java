package dev.nibble.bench;

import static dev.nibble.cli.HtmlPage.escape;

import dev.nibble.cli.HtmlPage;
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

    private static final HtmlPage PAGE =
            new HtmlPage("runtime-bench", "svg .tg { fill: var(--one); } svg .pp { fill: var(--other); }\n");

    private HtmlReport() {}

    /** The page. */
    static String page(List<BenchRow> rows) {
        return PAGE.around("<h1>Share of the roofline</h1>\n<p>" + escape(machine(rows)) + "</p>\n" + chart(rows)
                + "<p>Generation (tg) is measured against the fastest streaming read of memory, prompts (pp) against the fastest"
                + " product of small quantized matrices; both limits were measured in the same run.</p>\n"
                + "<h2>Measurements</h2>\n" + HtmlPage.table(BenchReport.table(rows)));
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
}
