package dev.nibble.cli;

import static dev.nibble.cli.HtmlPage.escape;

import dev.nibble.evaluation.Trial;
import dev.nibble.evaluation.TuningReport;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/** One self-contained page about a tuning: what is recommended, two charts, the measurements, the steps. */
final class TuneHtml {
    private static final HtmlPage PAGE = new HtmlPage("nibble tune", """
            p.verdict { color: var(--ink); white-space: pre-line; }
            svg .front { fill: none; stroke: var(--one); stroke-opacity: .5; stroke-width: 2; }
            svg circle { fill: var(--one); } svg circle.best { fill: var(--other); }
            """);

    private TuneHtml() {}

    /** The page. */
    static String page(TuneReport tuning) {
        TuningReport report = tuning.report();
        return PAGE.around("<h1>" + escape(report.model()) + "</h1>\n<p class=\"verdict\">" + escape(tuning.verdict())
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
                + "<h2>Measurements</h2>\n" + HtmlPage.table(tuning.table())
                + "<h2>Steps</h2>\n<ul>\n"
                + report.steps().stream()
                        .map(step -> "<li>" + escape(step) + "</li>\n")
                        .collect(Collectors.joining())
                + "</ul>\n");
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
}
