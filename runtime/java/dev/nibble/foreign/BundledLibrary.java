package dev.nibble.foreign;

import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.SymbolLookup;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Locale;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** A native library that the build puts into the jar where it has a C compiler: it is copied to a temporary file and loaded from there. */
@SuppressWarnings("restricted") // this package is where native libraries are bound
public final class BundledLibrary {
    private static final String FOLDER = "/dev/nibble/native/";

    private BundledLibrary() {}

    /**
     * Loads a library for as long as the program runs.
     *
     * @param name without prefix and suffix, e.g. {@code nibble-cpu}
     * @param missing is told why there is none
     * @return its symbols, or null if this jar has none for this system or the system does not let it be loaded
     */
    public static @Nullable SymbolLookup load(String name, Consumer<String> missing) {
        if (!BundledLibrary.class.getModule().isNativeAccessEnabled()) {
            missing.accept("start Java with --enable-native-access=ALL-UNNAMED");
            return null;
        }
        String file = platform() + "/" + System.mapLibraryName(name);
        try (InputStream library = BundledLibrary.class.getResourceAsStream(FOLDER + file)) {
            if (library == null) {
                missing.accept("this build holds no " + file);
                return null;
            }
            return load(library, name);
        } catch (IOException | IllegalArgumentException e) {
            missing.accept(file + " cannot be loaded from the folder for temporary files, "
                    + System.getProperty("java.io.tmpdir") + ": " + e.getMessage());
            return null;
        }
    }

    private static SymbolLookup load(InputStream library, String name) throws IOException {
        Path copy = Files.createTempFile(name, ".library");
        try {
            Files.copy(library, copy, StandardCopyOption.REPLACE_EXISTING);
            return SymbolLookup.libraryLookup(copy, Arena.global());
        } finally {
            // What is mapped stays; a system that refuses to delete a mapped file deletes it when the program ends.
            if (!copy.toFile().delete()) {
                copy.toFile().deleteOnExit();
            }
        }
    }

    /** The folder of this system's libraries, e.g. {@code linux-amd64}. */
    private static String platform() {
        String system = System.getProperty("os.name").toLowerCase(Locale.ROOT).replaceAll("\\W.*", "");
        return system + "-" + System.getProperty("os.arch");
    }
}
