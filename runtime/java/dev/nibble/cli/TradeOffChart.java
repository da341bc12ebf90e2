package dev.nibble.cli;

import dev.nibble.evaluation.Trial;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.ToDoubleFunction;
import org.jspecify.annotations.Nullable;

/**
 * A chart of points, in SVG: memory to the right, some figure upwards.
 *
 * @param title what goes upwards
 * @param format of its numbers
 * @param figure what goes upwards
 * @param lowIsGood whether less of it is better; then the axis is one of square roots, on which small losses can be told apart
 */
record TradeOffChart(String title, String format, ToDoubleFunction<Trial> figure, boolean lowIsGood) {
    private static final int WIDTH = 900;
    private static final int HEIGHT = 380;
    private static final int LEFT = 70;
    private static final int RIGHT = 110;
    private static final int TOP = 30;
    private static final int BOTTOM = 40;
    private static final int MARKS = 5;
    private static final double MARGIN = 1.08;

    double value(Trial trial) {
        return figure.applyAsDouble(trial);
    }

    /**
     * Draws it.
     *
     * @param front the points to join, from left to right
     * @param best the point to stress
     */
    String svg(List<Trial> trials, List<Trial> front, @Nullable Trial best) {
        Scale scale = new Scale(
                MARGIN * trials.stream().mapToLong(Trial::memory).max().orElse(1),
                Math.max(
                        1e-9,
                        MARGIN * trials.stream().mapToDouble(this::value).max().orElse(1)),
                lowIsGood);
        StringBuilder svg = new StringBuilder(String.format(
                Locale.ROOT,
                "<svg viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"%s\">%n<text x=\"%d\" y=\"16\">%s</text>%n",
                WIDTH,
                HEIGHT,
                HtmlPage.escape(title),
                LEFT,
                HtmlPage.escape(title)));
        for (int i = 0; i <= MARKS; i++) {
            svg.append(marks(scale, (double) i / MARKS));
        }
        svg.append("<polyline class=\"front\" points=\"");
        for (Trial trial : front) {
            svg.append(String.format(Locale.ROOT, "%.1f,%.1f ", scale.x(trial.memory()), scale.y(value(trial))));
        }
        svg.append("\"/>\n");
        Labels labels = new Labels();
        for (Trial trial : trials) {
            svg.append(point(trial, scale, trial.equals(best), labels));
        }
        return svg.append("</svg>\n").toString();
    }

    private String marks(Scale scale, double share) {
        double y = HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM);
        double x = LEFT + share * (WIDTH - LEFT - RIGHT);
        return String.format(
                Locale.ROOT,
                "<line x1=\"%d\" y1=\"%.1f\" x2=\"%d\" y2=\"%.1f\"/>"
                        + "<text class=\"soft\" x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%s</text>"
                        + "<text class=\"soft\" x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%s</text>%n",
                LEFT,
                y,
                WIDTH - RIGHT,
                y,
                LEFT - 8,
                y + 4,
                String.format(Locale.ROOT, format, scale.valueAt(share)),
                x,
                HEIGHT - BOTTOM / 3,
                Bytes.text(Math.round(share * scale.mostMemory())));
    }

    private String point(Trial trial, Scale scale, boolean best, Labels labels) {
        double x = scale.x(trial.memory());
        double y = scale.y(value(trial));
        String name = trial.name() + " / " + trial.context();
        Labels.Label label = labels.place(x, y, name);
        return String.format(
                Locale.ROOT,
                "<circle%s cx=\"%.1f\" cy=\"%.1f\" r=\"%d\"><title>%s: %s, %s</title></circle>"
                        + "<text x=\"%.1f\" y=\"%.1f\"%s>%s</text>%n",
                best ? " class=\"best\"" : "",
                x,
                y,
                best ? 7 : 5,
                HtmlPage.escape(name),
                Bytes.text(trial.memory()),
                String.format(Locale.ROOT, format, value(trial)),
                label.left(),
                label.baseline(),
                best ? "" : " class=\"soft\"",
                HtmlPage.escape(name));
    }

    /** Finds places for labels where they hide no other. */
    private static final class Labels {
        private static final double LETTER = 7;
        private static final double LINE = 15;
        private static final double GAP = 9;
        private static final int MOST_LINES = 6;

        private final List<Label> placed = new ArrayList<>();

        /** A label's box stands on its base line. */
        private record Label(double left, double baseline, double width) {
            boolean hides(Label other) {
                return left < other.left + other.width
                        && other.left < left + width
                        && Math.abs(baseline - other.baseline) < LINE;
            }
        }

        /** Beside a point: as near to its height as there is room, first to the right. */
        Label place(double x, double y, String text) {
            double width = text.length() * LETTER;
            Label first = new Label(x + GAP, y - GAP / 2, width);
            Label label = first;
            for (int i = 0; i < 4 * MOST_LINES && isHidden(label); i++) {
                double shift = (i / 4 + i % 2) * LINE * (i % 2 == 0 ? 1 : -1);
                double left = i % 4 < 2 ? first.left : x - GAP - width;
                label = new Label(left, first.baseline + shift, width);
            }
            placed.add(label);
            return label;
        }

        private boolean isHidden(Label label) {
            return placed.stream().anyMatch(label::hides);
        }
    }

    /**
     * Where values lie.
     *
     * @param mostMemory at the right end
     * @param most at the upper end
     * @param roots whether distances go with the square root
     */
    private record Scale(double mostMemory, double most, boolean roots) {
        double x(double memory) {
            return LEFT + memory / mostMemory * (WIDTH - LEFT - RIGHT);
        }

        double y(double value) {
            double share = value / most;
            return HEIGHT - BOTTOM - (roots ? Math.sqrt(share) : share) * (HEIGHT - TOP - BOTTOM);
        }

        double valueAt(double share) {
            return most * (roots ? share * share : share);
        }
    }
}
