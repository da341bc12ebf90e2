package dev.nibble.cli;

/** Makes text from files safe to show: what would move the cursor or change colours becomes an escape. */
final class Escapes {
    private Escapes() {}

    /** The text with control characters written as {@code \n}, {@code \t} or a Unicode escape. */
    static String visible(String text) {
        StringBuilder visible = new StringBuilder();
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            switch (c) {
                case '\n' -> visible.append("\\n");
                case '\r' -> visible.append("\\r");
                case '\t' -> visible.append("\\t");
                default -> {
                    if (Character.isISOControl(c)) {
                        visible.append(String.format("\\u%04x", (int) c));
                    } else {
                        visible.append(c);
                    }
                }
            }
        }
        return visible.toString();
    }
}
