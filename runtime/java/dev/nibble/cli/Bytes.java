package dev.nibble.cli;

import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Byte counts for people. */
public final class Bytes {
    private static final String[] UNITS = {"B", "KiB", "MiB", "GiB", "TiB"};
    private static final int STEP = 1024;

    /** A number and its unit; letters alone count in steps of 1024 as well. */
    private static final Pattern SIZE =
            Pattern.compile("(\\d{1,12}(?:\\.\\d{1,6})?)\\s*([KMGT]?)(?:i?B)?", Pattern.CASE_INSENSITIVE);

    private Bytes() {}

    /**
     * A count as people write it: {@code 8GiB}, {@code 512M}, {@code 1.5 GB}; all units are steps of 1024.
     *
     * @param what is given so, for the message
     * @throws IllegalArgumentException if it is not written so, or is less than one byte
     */
    static long parse(String what, String text) {
        Matcher matcher = SIZE.matcher(text.strip());
        if (!matcher.matches()) {
            throw new IllegalArgumentException(what + " must be a size such as 8GiB or 512MiB; given '" + text + "'");
        }
        int power = "KMGT".indexOf(matcher.group(2).toUpperCase(Locale.ROOT)) + 1;
        long bytes = (long) (Double.parseDouble(matcher.group(1))
                * Math.pow(STEP, matcher.group(2).isEmpty() ? 0 : power));
        if (bytes < 1) {
            throw new IllegalArgumentException(what + " must be a byte or more; given '" + text + "'");
        }
        return bytes;
    }

    /** A count in the largest unit that leaves a whole part: {@code 1.25 GiB}. */
    public static String text(long bytes) {
        double value = bytes;
        int unit = 0;
        while (value >= STEP && unit < UNITS.length - 1) {
            value /= STEP;
            unit++;
        }
        return unit == 0
                ? bytes + " B"
                : String.format(Locale.ROOT, value < 10 ? "%.2f %s" : "%.1f %s", value, UNITS[unit]);
    }
}
