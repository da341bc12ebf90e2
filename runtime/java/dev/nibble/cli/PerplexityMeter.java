package dev.nibble.cli;

import dev.nibble.evaluation.Estimate;
import java.util.Locale;

/** Shows how far a measurement is, and what it gives so far: a bar where people watch, else a line now and then. */
final class PerplexityMeter {
    private static final long INTERVAL_NANOS = 10_000_000_000L;

    private final Terminal terminal;
    private final ProgressBar bar;
    private long nextLine = System.nanoTime() + INTERVAL_NANOS;

    PerplexityMeter(Terminal terminal) {
        this.terminal = terminal;
        this.bar = new ProgressBar(terminal, "measuring");
    }

    void update(int done, int total, Estimate perplexity) {
        String sofar = String.format(Locale.ROOT, "perplexity %.4f ± %.4f", perplexity.value(), perplexity.error());
        if (terminal.interactive()) {
            bar.update(done, total, "windows, " + sofar);
        } else if (System.nanoTime() - nextLine >= 0) {
            nextLine = System.nanoTime() + INTERVAL_NANOS;
            terminal.note(done + " of " + total + " windows: " + sofar);
        }
    }

    void clear() {
        bar.clear();
    }
}
