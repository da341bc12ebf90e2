package dev.nibble.device.opencl;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.HashSet;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The text of a family of kernels, from the resources of this jar, with what it includes in place. */
final class KernelSource {
    private static final String FOLDER = "/opencl-kernels/";
    private static final Pattern INCLUDE = Pattern.compile("(?m)^#include \"(\\w+)\\.cl\"$");

    private KernelSource() {}

    /** The text of a family, each included file once, where it is first named. */
    static String of(String family) {
        return of(family, new HashSet<>());
    }

    private static String of(String family, Set<String> included) {
        if (!included.add(family)) {
            return "";
        }
        return INCLUDE.matcher(family.equals("grids") ? GridTables.source() : read(family + ".cl"))
                .replaceAll(match -> Matcher.quoteReplacement(of(match.group(1), included)));
    }

    private static String read(String file) {
        try (InputStream source = KernelSource.class.getResourceAsStream(FOLDER + file)) {
            if (source == null) {
                throw new IllegalStateException("this build holds no " + FOLDER + file);
            }
            return new String(source.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
