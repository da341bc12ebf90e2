package dev.nibble.foreign;

import java.io.File;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.security.CodeSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The CUDA driver of this system, started. That there is none, that it is too old, or that it has no device are normal states.
 *
 * @param calls its functions; null if there is none that can be used
 * @param simulated whether it is the simulator that this project's tests run on
 * @param missing why there is none and what to do about it; empty if there is one
 */
public record CudaLibrary(@Nullable Cuda calls, boolean simulated, String missing) {
    /** Names another driver library than the system's own: a path, or {@value #SIMULATOR}. */
    public static final String PROPERTY = "dev.nibble.cuda.library";

    /** As {@link #PROPERTY}, which goes before it. */
    public static final String ENVIRONMENT = "NIBBLE_CUDA_LIBRARY";

    /** The simulator, where the build of this project made it. */
    public static final String SIMULATOR = "simulator";

    /** CUDA 11.4, of June 2021: it loads PTX up to version 7.4 and is the first that has all functions. */
    public static final int MINIMUM_VERSION = 11040;

    private static final Path SIMULATOR_FILE = Path.of("linux-amd64", "libnibble-cuda-simulator.so");

    private static final String MINIMUM_DRIVER = "470 or newer (CUDA " + Cuda.text(MINIMUM_VERSION) + ")";

    /** The driver of this system, loaded and started when first asked for, for as long as the program runs. */
    public static CudaLibrary system() {
        return Holder.SYSTEM;
    }

    /** The first of these files that can be loaded. */
    public static CudaLibrary load(List<String> files) {
        if (!CudaLibrary.class.getModule().isNativeAccessEnabled()) {
            return none("start Java with --enable-native-access=ALL-UNNAMED");
        }
        List<String> failures = new ArrayList<>();
        for (String file : files) {
            SymbolLookup lookup = find(file);
            if (lookup != null) {
                return bind(file, lookup);
            }
            failures.add(file);
        }
        return none(absent(failures));
    }

    private static String absent(List<String> files) {
        Path file = Path.of(files.getFirst());
        return file.endsWith(SIMULATOR_FILE)
                ? "the CUDA simulator (" + file
                        + ") is not there, or not of this system; build it: scripts/build-native" + " --simulator "
                        + file.getParent().resolveSibling("")
                : "no CUDA driver (" + String.join(", ", files) + ") on this system; install NVIDIA's driver "
                        + MINIMUM_DRIVER;
    }

    /** Binds the functions of a driver and starts it. */
    static CudaLibrary bind(String file, SymbolLookup lookup) {
        Map<CudaFunction, MemorySegment> functions = new CudaEntryPoints(lookup).find();
        for (CudaFunction function : CudaFunction.values()) {
            if (!functions.containsKey(function)) {
                return none("the CUDA driver " + file + " has no function " + function.symbol()
                        + ": it is too old, or damaged; install driver " + MINIMUM_DRIVER);
            }
        }
        try {
            return accept(
                    file,
                    Cuda.start(functions),
                    lookup.find("nibbleSimulatorMessage").isPresent());
        } catch (CudaException e) {
            return none(
                    e.code() == CudaStatus.NO_DEVICE
                            ? noDevice(file)
                            : "the CUDA driver " + file + " does not start: " + e.getMessage());
        }
    }

    private static CudaLibrary accept(String file, Cuda calls, boolean simulated) {
        if (calls.version() < MINIMUM_VERSION) {
            return none("the CUDA driver " + file + " is of CUDA " + Cuda.text(calls.version())
                    + ", too old; install driver " + MINIMUM_DRIVER);
        }
        return calls.devices().count() == 0 ? none(noDevice(file)) : new CudaLibrary(calls, simulated, "");
    }

    private static String noDevice(String file) {
        return "the CUDA driver " + file + " finds no device; CUDA_VISIBLE_DEVICES may hide it";
    }

    private static CudaLibrary none(String reason) {
        return new CudaLibrary(null, false, reason);
    }

    /** The symbols of a library, null if it cannot be loaded: a path, or a name that the system finds. */
    @SuppressWarnings("restricted") // this package is where native libraries are bound
    static @Nullable SymbolLookup find(String file) {
        try {
            return file.indexOf(File.separatorChar) < 0
                    ? SymbolLookup.libraryLookup(file, Arena.global())
                    : SymbolLookup.libraryLookup(Path.of(file), Arena.global());
        } catch (IllegalArgumentException e) {
            return null;
        }
    }

    /** Where the driver is looked for. */
    static List<String> files() {
        String chosen = System.getProperty(PROPERTY, System.getenv(ENVIRONMENT));
        if (chosen != null && !chosen.isEmpty()) {
            return List.of(chosen.equals(SIMULATOR) ? simulator() : chosen);
        }
        String system = System.getProperty("os.name").toLowerCase(Locale.ROOT);
        return system.startsWith("windows") ? List.of("nvcuda.dll") : List.of("libcuda.so.1", "libcuda.so");
    }

    /** Where {@code scripts/build-native} puts the simulator: beside the classes, or the jar, that this class is from. */
    public static String simulator() {
        Path relative = Path.of("native-test").resolve(SIMULATOR_FILE);
        CodeSource source = CudaLibrary.class.getProtectionDomain().getCodeSource();
        try {
            Path classes = source == null
                    ? Path.of("target", "classes")
                    : Path.of(source.getLocation().toURI());
            return classes.resolveSibling(relative).toString();
        } catch (URISyntaxException e) {
            return Path.of("target").resolve(relative).toString();
        }
    }

    private static final class Holder {
        static final CudaLibrary SYSTEM = load(files());
    }
}
