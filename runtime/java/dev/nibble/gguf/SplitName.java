package dev.nibble.gguf;

import java.nio.file.Path;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The name of one file of a split model: {@code NAME-00001-of-00003.gguf}.
 *
 * @param stem the path up to the numbers
 * @param part this file, from 0; the name counts from 1
 * @param count all files
 */
record SplitName(String stem, int part, int count) {
    static final String PART_KEY = "split.no";
    static final String COUNT_KEY = "split.count";
    static final String TENSORS_KEY = "split.tensors.count";

    private static final Pattern PATTERN = Pattern.compile("(.*)-(\\d{5})-of-(\\d{5})\\.gguf", Pattern.DOTALL);

    /** Takes a file name apart; empty if it is not of this form. */
    static Optional<SplitName> of(Path path) {
        Matcher matcher = PATTERN.matcher(path.toString());
        if (!matcher.matches()) {
            return Optional.empty();
        }
        return Optional.of(new SplitName(
                matcher.group(1), Integer.parseInt(matcher.group(2)) - 1, Integer.parseInt(matcher.group(3))));
    }

    /** The path of another file of the same model, from 0. */
    Path sibling(int part) {
        return Path.of(String.format(Locale.ROOT, "%s-%05d-of-%05d.gguf", stem, part + 1, count));
    }
}
