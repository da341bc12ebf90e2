package dev.nibble.cli;

import static dev.nibble.cli.HtmlPage.escape;

import dev.nibble.ModelPlan.DevicePart;
import java.util.List;
import java.util.Locale;

/** One self-contained page about a memory plan: a bar for each device, the tables, what would make the model fit. */
final class PlanHtml {
    private static final HtmlPage PAGE = new HtmlPage("nibble plan", """
            p.verdict { color: var(--ink); white-space: pre-line; font-weight: 600; }
            svg .weights { fill: var(--one); } svg .cache { fill: var(--other); }
            svg .scratch { fill: var(--ink); fill-opacity: .55; } svg .reserve { fill: var(--soft); fill-opacity: .45; }
            svg .memory { fill: none; stroke: var(--ink); }
            """);

    private static final int WIDTH = 960;
    private static final int LEFT = 110;
    private static final int BAR = 34;
    private static final int STEP = 66;
    private static final int TOP = 34;

    private PlanHtml() {}

    /** A part of a bar. */
    private record Piece(String kind, long bytes) {}

    /** The page. */
    static String page(PlanReport report) {
        return PAGE.around("<h1>" + escape(report.plan().model()) + "</h1>\n<p>" + escape(report.title()) + "</p>\n"
                + "<p class=\"verdict\">" + escape(report.verdict()) + "</p>\n"
                + chart(report.plan().devices())
                + "<p>" + escape(report.plan().reason()) + "</p>\n"
                + "<p>" + escape(report.projection()) + "</p>\n"
                + "<h2>Devices</h2>\n" + HtmlPage.table(report.deviceTable())
                + "<h2>Longest context</h2>\n" + HtmlPage.table(report.contextTable())
                + "<h2>Weights</h2>\n" + HtmlPage.table(report.typeTable())
                + "<p>" + escape(report.overhead()) + "</p>\n");
    }

    private static String chart(List<DevicePart> devices) {
        long most = devices.stream()
                .mapToLong(part -> Math.max(part.total(), part.available()) + part.reserved())
                .max()
                .orElse(1);
        double scale = (double) (WIDTH - LEFT - 10) / most;
        StringBuilder svg = new StringBuilder(String.format(
                Locale.ROOT,
                "<svg viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"memory of each device\">\n",
                WIDTH,
                TOP + STEP * devices.size()));
        legend(svg);
        for (int i = 0; i < devices.size(); i++) {
            bar(svg, devices.get(i), TOP + i * STEP, scale);
        }
        return svg.append("</svg>\n").toString();
    }

    private static void legend(StringBuilder svg) {
        int x = LEFT;
        for (String kind : List.of("weights", "cache", "scratch", "reserve")) {
            svg.append(String.format(
                    Locale.ROOT,
                    "<rect class=\"%s\" x=\"%d\" y=\"6\" width=\"12\" height=\"12\"/><text x=\"%d\" y=\"16\">%s</text>\n",
                    kind,
                    x,
                    x + 18,
                    kind));
            x += 100;
        }
        svg.append(String.format(
                Locale.ROOT, "<text class=\"soft\" x=\"%d\" y=\"16\">frame: the device's memory</text>\n", x));
    }

    private static void bar(StringBuilder svg, DevicePart part, int y, double scale) {
        svg.append(String.format(
                Locale.ROOT, "<text x=\"0\" y=\"%d\">%s</text>\n", y + BAR / 2 + 5, escape(part.device())));
        double x = LEFT;
        for (Piece piece : List.of(
                new Piece("weights", part.weights()),
                new Piece("cache", part.kvCache()),
                new Piece("scratch", part.scratch()),
                new Piece("reserve", part.reserved()))) {
            double width = piece.bytes() * scale;
            svg.append(String.format(
                    Locale.ROOT,
                    "<rect class=\"%s\" x=\"%.1f\" y=\"%d\" width=\"%.1f\" height=\"%d\"><title>%s %s</title></rect>\n",
                    piece.kind(),
                    x,
                    y,
                    width,
                    BAR,
                    piece.kind(),
                    Bytes.text(piece.bytes())));
            x += width;
        }
        svg.append(String.format(
                Locale.ROOT,
                "<rect class=\"memory\" x=\"%d\" y=\"%d\" width=\"%.1f\" height=\"%d\"/>\n"
                        + "<text class=\"soft\" x=\"%d\" y=\"%d\">%s; %s %s</text>\n",
                LEFT,
                y,
                (part.available() + part.reserved()) * scale,
                BAR,
                LEFT,
                y + BAR + 17,
                escape(part.holds()),
                Bytes.text(Math.abs(part.left())),
                part.left() < 0 ? "too much" : "left"));
    }
}
