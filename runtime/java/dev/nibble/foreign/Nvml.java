package dev.nibble.foreign;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.NoSuchElementException;
import java.util.Optional;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/**
 * What NVIDIA's management library (NVML) tells of the energy that devices consume. It comes with the driver; that it is not there, or
 * that a device does not tell, are normal states.
 *
 * <p>Source: the NVML API reference, NVIDIA.
 */
@SuppressWarnings("restricted") // this package is where native libraries are bound
public final class Nvml {
    private static final int SUCCESS = 0;
    private static final FunctionDescriptor INIT = FunctionDescriptor.of(JAVA_INT);
    private static final FunctionDescriptor FIND = FunctionDescriptor.of(JAVA_INT, ADDRESS, ADDRESS);
    private static final FunctionDescriptor ASK = FunctionDescriptor.of(JAVA_INT, JAVA_LONG, ADDRESS);

    private final MethodHandle find;
    private final MethodHandle energy;
    private final MethodHandle power;

    private Nvml(SymbolLookup library) {
        this.find = bind(library, "nvmlDeviceGetHandleByPciBusId_v2", FIND);
        this.energy = bind(library, "nvmlDeviceGetTotalEnergyConsumption", ASK);
        this.power = bind(library, "nvmlDeviceGetPowerUsage", ASK);
    }

    /** The library of the CUDA driver that this program uses, loaded and started when first asked for. */
    public static Optional<Nvml> system() {
        return Holder.SYSTEM;
    }

    /** The first of these files that can be loaded, if it starts. */
    static Optional<Nvml> load(List<String> files) {
        for (String file : files) {
            SymbolLookup library = CudaLibrary.find(file);
            if (library != null) {
                return start(library);
            }
        }
        return Optional.empty();
    }

    private static Optional<Nvml> start(SymbolLookup library) {
        try {
            int status = (int) bind(library, "nvmlInit_v2", INIT).invokeExact();
            return status == SUCCESS ? Optional.of(new Nvml(library)) : Optional.empty();
        } catch (NoSuchElementException e) {
            // Older than the functions that are asked for.
            return Optional.empty();
        } catch (Throwable e) {
            throw new AssertionError("NVML cannot throw", e);
        }
    }

    private static MethodHandle bind(SymbolLookup library, String name, FunctionDescriptor form) {
        return Linker.nativeLinker().downcallHandle(library.findOrThrow(name), form);
    }

    /**
     * The device that is plugged in at a place.
     *
     * @param place its PCI domain, bus and device, e.g. {@code 0000:01:00}
     */
    public OptionalLong device(String place) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment name = arena.allocateFrom(place + ".0");
            MemorySegment device = arena.allocate(JAVA_LONG);
            int status = (int) find.invokeExact(name, device);
            return status == SUCCESS ? OptionalLong.of(device.get(JAVA_LONG, 0)) : OptionalLong.empty();
        } catch (Throwable e) {
            throw new AssertionError("NVML cannot throw", e);
        }
    }

    /** The energy that a device consumed since its driver was loaded, in millijoules. */
    public OptionalLong millijoules(long device) {
        return ask(energy, device);
    }

    /** The power that a device draws now, in milliwatts. */
    public OptionalLong milliwatts(long device) {
        return ask(power, device);
    }

    /** Values shorter than a long are extended with zeros. */
    private static OptionalLong ask(MethodHandle function, long device) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment value = arena.allocate(JAVA_LONG);
            int status = (int) function.invokeExact(device, value);
            return status == SUCCESS ? OptionalLong.of(value.get(JAVA_LONG, 0)) : OptionalLong.empty();
        } catch (Throwable e) {
            throw new AssertionError("NVML cannot throw", e);
        }
    }

    /** The simulator of the driver is also that of this library. */
    private static List<String> files() {
        if (CudaLibrary.system().simulated()) {
            return CudaLibrary.files();
        }
        String system = System.getProperty("os.name").toLowerCase(Locale.ROOT);
        if (!system.startsWith("windows")) {
            return List.of("libnvidia-ml.so.1", "libnvidia-ml.so");
        }
        @Nullable String programs = System.getenv("ProgramW6432");
        return programs == null
                ? List.of("nvml.dll")
                : List.of(
                        "nvml.dll",
                        Path.of(programs, "NVIDIA Corporation", "NVSMI", "nvml.dll")
                                .toString());
    }

    private static final class Holder {
        static final Optional<Nvml> SYSTEM = load(files());
    }
}
