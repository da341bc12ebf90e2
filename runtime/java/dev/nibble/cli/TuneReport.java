package dev.nibble.cli;

import dev.nibble.evaluation.Divergence;
import dev.nibble.evaluation.Trial;
import dev.nibble.evaluation.TuningReport;
import java.util.Locale;
import java.util.Map;

/** What a tuning has found, for people and for programs. */
record TuneReport(TuningReport report) {
    private static final double PERCENT = 100;

    boolean fits() {
        return report.recommended() != null;
    }

    String text() {
        return table().text() + "\n" + verdict() + "\n";
    }

    /** What is recommended and why, in lines. */
    String verdict() {
        Trial chosen = report.recommended();
        if (chosen == null) {
            return report.reason();
        }
        return "recommended: " + chosen.name() + ", context in " + chosen.context() + "\n" + report.reason() + "\n"
                + comparison(chosen) + "run it with: nibble run -m FILE " + contextArguments(chosen) + " --ctx "
                + report.contextLength();
    }

    private String comparison(Trial chosen) {
        Trial base = report.trials().getFirst();
        Divergence divergence = chosen.quality().divergence();
        return divergence == null
                ? ""
                : String.format(
                        Locale.ROOT,
                        "against the base: %.2f of the memory, %.2f times the speed, perplexity %+.2f ± %.2f %%,"
                                + " the same likeliest token %.1f %% of the time%n",
                        (double) chosen.memory() / base.memory(),
                        chosen.speed().generation() / base.speed().generation(),
                        (divergence.ratio().value() - 1) * PERCENT,
                        divergence.ratio().error() * PERCENT,
                        divergence.sameTop().value() * PERCENT);
    }

    private static String contextArguments(Trial trial) {
        String[] types = trial.context().split("/");
        return types.length == 1 ? "--kv " + types[0] : "--kv-k " + types[0] + " --kv-v " + types[1];
    }

    /** The measurements; a star marks what is recommended, and a cross what does not fit. */
    Table table() {
        Table table = new Table(
                "",
                "weights",
                "context",
                ">bits",
                ">file",
                ">memory",
                ">prompt tok/s",
                ">generation tok/s",
                ">perplexity",
                ">loss (KL)",
                ">same top");
        for (Trial trial : report.trials()) {
            Divergence divergence = trial.quality().divergence();
            table.row(
                    mark(trial),
                    trial.name(),
                    trial.context(),
                    number("%.2f", trial.bitsPerWeight()),
                    Bytes.text(trial.fileBytes()),
                    Bytes.text(trial.memory()),
                    number("%.0f", trial.speed().prompt()),
                    number("%.1f", trial.speed().generation()),
                    number("%.4f", trial.quality().perplexity().value()),
                    divergence == null ? "" : number("%.5f", trial.loss()),
                    divergence == null
                            ? ""
                            : number("%.2f %%", divergence.sameTop().value() * PERCENT));
        }
        return table;
    }

    private String mark(Trial trial) {
        return trial.equals(report.recommended()) ? "*" : trial.memory() > report.memoryLimit() ? "×" : "";
    }

    Map<String, Object> json() {
        Trial chosen = report.recommended();
        return Json.object(
                "model", report.model(),
                "device", report.device(),
                "context", report.contextLength(),
                "memory_limit", report.memoryLimit() == Long.MAX_VALUE ? null : report.memoryLimit(),
                "prefer", report.preference().name().toLowerCase(Locale.ROOT),
                "steps", report.steps(),
                "trials", report.trials().stream().map(this::json).toList(),
                "recommended", chosen == null ? null : json(chosen),
                "reason", report.reason());
    }

    private Map<String, Object> json(Trial trial) {
        Divergence divergence = trial.quality().divergence();
        return Json.object(
                "weights", trial.name(),
                "kv", trial.context(),
                "bits_per_weight", trial.bitsPerWeight(),
                "file_bytes", trial.fileBytes(),
                "memory_bytes", trial.memory(),
                "fits", trial.memory() <= report.memoryLimit(),
                "prompt_tokens_per_second", trial.speed().prompt(),
                "generation_tokens_per_second", trial.speed().generation(),
                "depth", trial.speed().depth(),
                "perplexity", QualityReport.json(trial.quality().perplexity()),
                "kl",
                        divergence == null
                                ? null
                                : QualityReport.json(divergence.kl().mean()),
                "same_top", divergence == null ? null : QualityReport.json(divergence.sameTop()));
    }

    private static String number(String format, double value) {
        return String.format(Locale.ROOT, format, value);
    }
}
