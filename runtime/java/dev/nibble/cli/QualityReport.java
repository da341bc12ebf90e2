package dev.nibble.cli;

import dev.nibble.ModelInfo;
import dev.nibble.evaluation.Divergence;
import dev.nibble.evaluation.Estimate;
import dev.nibble.evaluation.GreedyAgreement;
import dev.nibble.evaluation.Quality;
import dev.nibble.evaluation.Spread;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What was measured of a model's quality, for people and for programs.
 *
 * @param model what was measured
 * @param quality on a text, if it was
 * @param agreement with a reference's continuations, if it was
 */
record QualityReport(
        ModelInfo model,
        @Nullable Quality quality,
        @Nullable GreedyAgreement agreement) {
    private static final double PERCENT = 100;

    String text() {
        StringBuilder text = new StringBuilder();
        if (quality != null) {
            text.append(String.format(
                    Locale.ROOT,
                    "perplexity %s (%d windows of %d, %d tokens counted)%n",
                    plain(quality.perplexity()),
                    quality.windows(),
                    quality.window(),
                    quality.tokens()));
            if (quality.divergence() != null) {
                text.append(text(quality.divergence()));
            }
        }
        if (agreement != null) {
            text.append(String.format(
                    Locale.ROOT,
                    "same continuation from end to end: %s %% of %d; same beginning: %s tokens, %s %%%n",
                    percent(agreement.same()),
                    agreement.items(),
                    number("%.1f", agreement.prefix()),
                    percent(agreement.prefixShare())));
        }
        return text.toString();
    }

    private static String text(Divergence divergence) {
        String lines = String.format(
                Locale.ROOT,
                """
                against %s:
                  base's perplexity    %s
                  ratio                %s
                  ln of the ratio      %s
                  difference           %s
                  correlation of ln p  %.2f %%
                  same likeliest token %s %%
                  RMS of Δp            %s %%
                """,
                divergence.base(),
                plain(divergence.basePerplexity()),
                plain(divergence.ratio()),
                number("%.5f", divergence.logRatio()),
                plain(divergence.difference()),
                divergence.correlation() * PERCENT,
                percent(divergence.sameTop()),
                percent(divergence.probabilityRms()));
        Table table = new Table("", ">mean", ">least", ">1 %", ">5 %", ">median", ">95 %", ">99 %", ">99.9 %", ">most");
        spread(table, "KL divergence", "%.6f", 1, divergence.kl());
        spread(table, "Δp, %", "%.3f", PERCENT, divergence.probability());
        return lines + table.text();
    }

    private static void spread(Table table, String name, String format, double factor, Spread spread) {
        table.row(
                name,
                number(format, scaled(spread.mean(), factor)),
                number(format, factor * spread.minimum()),
                number(format, factor * spread.p1()),
                number(format, factor * spread.p5()),
                number(format, factor * spread.median()),
                number(format, factor * spread.p95()),
                number(format, factor * spread.p99()),
                number(format, factor * spread.p999()),
                number(format, factor * spread.maximum()));
    }

    Map<String, Object> json() {
        Map<String, Object> json = Json.object(
                "model", model.name(),
                "type", model.type(),
                "device", model.deviceLabel());
        if (quality != null) {
            json.put("perplexity", json(quality.perplexity()));
            json.put("windows", quality.windows());
            json.put("window", quality.window());
            json.put("tokens", quality.tokens());
            json.put("running", quality.running().stream().map(Estimate::value).toList());
            if (quality.divergence() != null) {
                json.put("against", json(quality.divergence()));
            }
        }
        if (agreement != null) {
            json.put(
                    "greedy",
                    Json.object(
                            "items", agreement.items(),
                            "same", json(agreement.same()),
                            "prefix_tokens", json(agreement.prefix()),
                            "prefix_share", json(agreement.prefixShare())));
        }
        return json;
    }

    private static Map<String, Object> json(Divergence divergence) {
        return Json.object(
                "base", divergence.base(),
                "base_perplexity", json(divergence.basePerplexity()),
                "ratio", json(divergence.ratio()),
                "log_ratio", json(divergence.logRatio()),
                "difference", json(divergence.difference()),
                "correlation", finite(divergence.correlation()),
                "kl", json(divergence.kl()),
                "probability_difference", json(divergence.probability()),
                "probability_difference_rms", json(divergence.probabilityRms()),
                "same_top", json(divergence.sameTop()));
    }

    private static Map<String, @Nullable Object> json(Spread spread) {
        Map<String, @Nullable Object> json = new LinkedHashMap<>();
        json.put("mean", json(spread.mean()));
        json.put("minimum", finite(spread.minimum()));
        json.put("p1", finite(spread.p1()));
        json.put("p5", finite(spread.p5()));
        json.put("median", finite(spread.median()));
        json.put("p95", finite(spread.p95()));
        json.put("p99", finite(spread.p99()));
        json.put("p99.9", finite(spread.p999()));
        json.put("maximum", finite(spread.maximum()));
        return json;
    }

    /** A figure and its error. */
    static Map<String, @Nullable Object> json(Estimate estimate) {
        Map<String, @Nullable Object> json = new LinkedHashMap<>();
        json.put("value", finite(estimate.value()));
        json.put("error", finite(estimate.error()));
        return json;
    }

    /** JSON has no word for what is no number. */
    private static @Nullable Double finite(double value) {
        return Double.isFinite(value) ? value : null;
    }

    private static Estimate scaled(Estimate estimate, double factor) {
        return new Estimate(factor * estimate.value(), factor * estimate.error());
    }

    private static String plain(Estimate estimate) {
        return number("%.4f", estimate);
    }

    private static String percent(Estimate share) {
        return number("%.2f", scaled(share, PERCENT));
    }

    private static String number(String format, Estimate estimate) {
        return number(format, estimate.value()) + " ± " + number(format, estimate.error());
    }

    private static String number(String format, double value) {
        return String.format(Locale.ROOT, format, value);
    }
}
