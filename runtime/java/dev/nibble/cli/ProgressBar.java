package dev.nibble.cli;

import java.util.Locale;

/** A progress bar on the standard error: only where people watch, and only for what takes longer than half a second. */
public final class ProgressBar {
    private static final long PATIENCE_NANOS = 500_000_000;
    private static final long INTERVAL_NANOS = 50_000_000;
    private static final int WIDTH = 30;
    private static final String CLEAR_LINE = "\r\u001b[K";

    private final Terminal terminal;
    private final String label;
    private long nextDraw = System.nanoTime() + PATIENCE_NANOS;
    private boolean drawn;

    /** A bar that is not shown yet. */
    public ProgressBar(Terminal terminal, String label) {
        this.terminal = terminal;
        this.label = label;
    }

    /** Says how many bytes are done. Any thread may call this. */
    public void update(long done, long total) {
        update(done, total, Bytes.text(done), Bytes.text(total));
    }

    /** Says how many of what is counted are done. Any thread may call this. */
    public void update(long done, long total, String things) {
        update(done, total, Long.toString(done), total + " " + things);
    }

    private synchronized void update(long done, long total, String doneText, String totalText) {
        if (!terminal.interactive() || total <= 0 || System.nanoTime() - nextDraw < 0) {
            return;
        }
        nextDraw = System.nanoTime() + INTERVAL_NANOS;
        drawn = true;
        terminal.err().print(CLEAR_LINE + line(done, total, doneText, totalText));
        terminal.err().flush();
    }

    /** Takes the bar away. */
    public synchronized void clear() {
        if (drawn) {
            terminal.err().print(CLEAR_LINE);
            terminal.err().flush();
            drawn = false;
        }
    }

    private String line(long done, long total, String doneText, String totalText) {
        int filled = (int) Math.clamp(done * WIDTH / total, 0, WIDTH);
        return String.format(
                Locale.ROOT,
                "%s [%s%s] %3d%%, %s of %s",
                label,
                "#".repeat(filled),
                ".".repeat(WIDTH - filled),
                Math.clamp(done * 100 / total, 0, 100),
                doneText,
                totalText);
    }
}
