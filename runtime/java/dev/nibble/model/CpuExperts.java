package dev.nibble.model;

import java.util.Locale;

/**
 * Which routed experts are on the CPU, while all else of their layers is on other devices.
 *
 * @param layers those of so many layers, from the first on; {@link #AUTO} decides by memory
 */
public record CpuExperts(int layers) {
    /** As few as let the model fit: none where it fits without. */
    public static final CpuExperts AUTO = new CpuExperts(-1);

    /** None. */
    public static final CpuExperts NONE = new CpuExperts(0);

    /** Those of all layers. */
    public static final CpuExperts ALL = new CpuExperts(Integer.MAX_VALUE);

    /** Checks the number. */
    public CpuExperts {
        if (layers < -1) {
            throw new IllegalArgumentException("the experts of " + layers + " layers cannot be on the CPU");
        }
    }

    /** Those of so many layers, from the first on, dense ones counted. */
    public static CpuExperts first(int layers) {
        if (layers < 1) {
            throw new IllegalArgumentException("the experts of at least 1 layer go to the CPU, not of " + layers);
        }
        return new CpuExperts(layers);
    }

    /** What an option says: {@code all}, {@code auto}, {@code none}, or a number of layers. */
    public static CpuExperts ofText(String text) {
        return switch (text.toLowerCase(Locale.ROOT)) {
            case "all" -> ALL;
            case "auto" -> AUTO;
            case "none" -> NONE;
            default -> {
                if (!text.matches("\\d{1,6}")) {
                    throw new IllegalArgumentException(
                            "'" + text + "' is no number of layers; there are also all, auto, none");
                }
                yield first(Integer.parseInt(text));
            }
        };
    }

    /** Whether memory decides. */
    public boolean automatic() {
        return layers < 0;
    }
}
