package dev.nibble.cli;

import java.util.List;
import java.util.Locale;

/**
 * A page that stands alone, without other files: for charts and tables, light or dark as the reader's screen is.
 *
 * @param title of the page
 * @param style rules beside those of all pages, which know the colors {@code --ink, --soft, --line, --page, --one, --other}
 */
public record HtmlPage(String title, String style) {
    private static final String HEAD = """
            <!DOCTYPE html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <title>%s</title>
            <style>
            :root { color-scheme: light dark; --ink: #1c2430; --soft: #66707f; --line: #dde2e8; --page: #ffffff; --one: #2f6fdb; --other: #d9822b; }
            @media (prefers-color-scheme: dark) {
              :root { --ink: #e6eaf0; --soft: #97a1b0; --line: #333c48; --page: #14181e; --one: #6ea1ff; --other: #f0a860; }
            }
            body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--page); max-width: 64rem; margin: 2rem auto; padding: 0 1rem; }
            h1 { font-size: 1.4rem; } h2 { font-size: 1.1rem; margin-top: 2rem; }
            p, li { color: var(--soft); }
            svg { width: 100%%; height: auto; }
            svg text { font: 13px system-ui, sans-serif; fill: var(--ink); }
            svg .soft { fill: var(--soft); }
            svg line { stroke: var(--line); }
            .scroll { overflow-x: auto; }
            table { border-collapse: collapse; white-space: nowrap; }
            th, td { padding: .25rem .5rem; border-bottom: 1px solid var(--line); text-align: left; }
            td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; }
            %s</style>
            </head>
            <body>
            """;

    /** The page around what it shows, which is HTML already. */
    public String around(String body) {
        return String.format(Locale.ROOT, HEAD, escape(title), style) + body + "</body>\n</html>\n";
    }

    /** A table, with headings; a wide one can be moved sideways. */
    public static String table(Table table) {
        StringBuilder html = new StringBuilder("<div class=\"scroll\"><table>\n");
        String tag = "th";
        for (List<String> cells : table.rows()) {
            html.append("<tr>");
            for (int i = 0; i < cells.size(); i++) {
                html.append('<').append(tag).append(table.isRight(i) ? " class=\"number\">" : ">");
                html.append(escape(cells.get(i))).append("</").append(tag).append('>');
            }
            html.append("</tr>\n");
            tag = "td";
        }
        return html.append("</table></div>\n").toString();
    }

    /** Text as HTML shows it. */
    public static String escape(String text) {
        return text.replace("&", "&amp;")
                .replace("<", "&lt;")
                .replace(">", "&gt;")
                .replace("\"", "&quot;");
    }
}
