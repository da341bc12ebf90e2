package dev.nibble.cli;

import java.util.ArrayList;
import java.util.List;

/** A table for people: columns are as wide as their widest cell. */
public final class Table {
    private static final String RIGHT = ">";
    private static final String GAP = "  ";

    private final boolean[] right;
    private final List<String[]> rows = new ArrayList<>();

    /** The headings; one that starts with {@code >} makes its column end at the right. */
    public Table(String... headings) {
        right = new boolean[headings.length];
        String[] names = headings.clone();
        for (int i = 0; i < names.length; i++) {
            right[i] = names[i].startsWith(RIGHT);
            names[i] = right[i] ? names[i].substring(1) : names[i];
        }
        rows.add(names);
    }

    /** Adds a row of as many cells as there are headings. */
    public void row(String... cells) {
        if (cells.length != right.length) {
            throw new IllegalArgumentException(cells.length + " cells for " + right.length + " columns");
        }
        rows.add(cells.clone());
    }

    /** The cells, headings first. */
    public List<List<String>> rows() {
        return rows.stream().map(List::of).toList();
    }

    /** Whether a column ends at the right, as numbers do. */
    public boolean isRight(int column) {
        return right[column];
    }

    /** The table as lines. */
    public String text() {
        int[] widths = new int[right.length];
        for (String[] row : rows) {
            for (int i = 0; i < row.length; i++) {
                widths[i] = Math.max(widths[i], row[i].length());
            }
        }
        StringBuilder text = new StringBuilder();
        for (String[] row : rows) {
            text.append(line(row, widths).stripTrailing()).append('\n');
        }
        return text.toString();
    }

    /** The table in Markdown. */
    public String markdown() {
        StringBuilder text = new StringBuilder();
        text.append("| ").append(String.join(" | ", rows.getFirst())).append(" |\n|");
        for (boolean end : right) {
            text.append(end ? "---:|" : "---|");
        }
        text.append('\n');
        for (String[] row : rows.subList(1, rows.size())) {
            text.append("| ").append(String.join(" | ", row)).append(" |\n");
        }
        return text.toString();
    }

    /** The table as comma-separated values (RFC 4180). */
    public String csv() {
        StringBuilder text = new StringBuilder();
        for (String[] row : rows) {
            List<String> cells = new ArrayList<>();
            for (String cell : row) {
                boolean quoted = cell.matches("(?s).*[\",\r\n].*");
                cells.add(quoted ? '"' + cell.replace("\"", "\"\"") + '"' : cell);
            }
            text.append(String.join(",", cells)).append('\n');
        }
        return text.toString();
    }

    private String line(String[] row, int[] widths) {
        List<String> cells = new ArrayList<>();
        for (int i = 0; i < row.length; i++) {
            String padding = " ".repeat(widths[i] - row[i].length());
            cells.add(right[i] ? padding + row[i] : row[i] + padding);
        }
        return String.join(GAP, cells);
    }
}
