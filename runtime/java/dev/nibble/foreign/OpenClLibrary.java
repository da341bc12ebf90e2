package dev.nibble.foreign;

import java.lang.foreign.Arena;
import java.lang.foreign.SymbolLookup;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * The system's OpenCL library, which hands calls on to the drivers that are installed. That there is none is a normal state.
 *
 * @param calls its functions; null if there is none that can be used
 * @param missing why there is none and what to do about it; empty if there is one
 */
public record OpenClLibrary(@Nullable OpenCl calls, String missing) {
    /** Names another library file than the system's own: for tests, and where it lies in an unusual place. */
    public static final String PROPERTY = "dev.nibble.opencl.library";

    private static final String MAC = "/System/Library/Frameworks/OpenCL.framework/OpenCL";

    /** The library of this system, loaded when first asked for, for as long as the program runs. */
    public static OpenClLibrary system() {
        return Holder.SYSTEM;
    }

    /** The first of these files that can be loaded. */
    public static OpenClLibrary load(List<String> files) {
        if (!OpenClLibrary.class.getModule().isNativeAccessEnabled()) {
            return new OpenClLibrary(null, "start Java with --enable-native-access=ALL-UNNAMED");
        }
        List<String> failures = new ArrayList<>();
        for (String file : files) {
            SymbolLookup lookup = find(file);
            if (lookup != null) {
                return bind(file, lookup);
            }
            failures.add(file);
        }
        return new OpenClLibrary(
                null,
                "no OpenCL library (" + String.join(", ", failures) + ") on this system; install the driver of your"
                        + " device, or on Debian and Ubuntu ocl-icd-libopencl1");
    }

    /** Binds the functions of a library. */
    static OpenClLibrary bind(String file, SymbolLookup lookup) {
        for (OpenClFunction function : OpenClFunction.values()) {
            if (lookup.find(function.symbol()).isEmpty()) {
                return new OpenClLibrary(
                        null,
                        "the OpenCL library " + file + " has no function " + function.symbol()
                                + ": it is older than OpenCL 1.2, or damaged; update it");
            }
        }
        return new OpenClLibrary(new OpenCl(lookup), "");
    }

    @SuppressWarnings("restricted") // this package is where native libraries are bound
    private static @Nullable SymbolLookup find(String file) {
        try {
            return SymbolLookup.libraryLookup(file, Arena.global());
        } catch (IllegalArgumentException e) {
            return null;
        }
    }

    private static List<String> files() {
        String chosen = System.getProperty(PROPERTY);
        if (chosen != null) {
            return List.of(chosen);
        }
        String system = System.getProperty("os.name").toLowerCase(Locale.ROOT);
        if (system.startsWith("windows")) {
            return List.of("OpenCL.dll");
        }
        return system.startsWith("mac") ? List.of(MAC) : List.of("libOpenCL.so.1", "libOpenCL.so");
    }

    private static final class Holder {
        static final OpenClLibrary SYSTEM = load(files());
    }
}
