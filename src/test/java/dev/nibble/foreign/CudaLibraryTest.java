package dev.nibble.foreign;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.nibble.simulator.NeedsCudaSimulator;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** CUDA drivers that are missing, damaged or old. */
@SuppressWarnings("restricted") // calls native functions
class CudaLibraryTest {
    private static final String[] SEARCH = {"cuGetProcAddress", "cuGetProcAddress_v2"};

    @Test
    void aDriverThatIsMissingIsANormalState() {
        CudaLibrary library = CudaLibrary.load(List.of("libNoSuchCuda.so.1", "libNoSuchCuda.so"));
        assertNull(library.calls());
        assertEquals(
                "no CUDA driver (libNoSuchCuda.so.1, libNoSuchCuda.so) on this system; install NVIDIA's driver 470 or"
                        + " newer (CUDA 11.4)",
                library.missing());
    }

    @Test
    void aSimulatorThatIsMissingIsToBeBuilt() {
        String file = Path.of("somewhere", "native-test", "linux-amd64", "libnibble-cuda-simulator.so")
                .toString();
        CudaLibrary library = CudaLibrary.load(List.of(file));
        assertNull(library.calls());
        assertEquals(
                "the CUDA simulator (" + file + ") is not there, or not of this system; build it: scripts/build-native"
                        + " --simulator " + Path.of("somewhere", "native-test"),
                library.missing());
    }

    @Test
    void aFileThatIsNoLibraryIsANormalState(@TempDir Path folder) throws Exception {
        Path file = Files.writeString(folder.resolve("libcuda.so.1"), "no library");
        CudaLibrary library = CudaLibrary.load(List.of(file.toString()));
        assertNull(library.calls());
        assertTrue(library.missing().contains(file.toString()), library.missing());
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void aLibraryThatIsNoDriverIsANormalState() {
        CudaLibrary library = CudaLibrary.load(List.of("libc.so.6"));
        assertNull(library.calls());
        assertEquals(
                "the CUDA driver libc.so.6 has no function cuInit: it is too old, or damaged; install driver 470 or newer"
                        + " (CUDA 11.4)",
                library.missing());
    }

    /** The simulator with some functions replaced or hidden. Only what is found by name can be replaced. */
    private static CudaLibrary altered(Map<String, MemorySegment> replaced, String... hidden) {
        SymbolLookup real = SymbolLookup.libraryLookup(Path.of(CudaSimulator.file()), Arena.global());
        Set<String> missing = Set.of(hidden);
        return CudaLibrary.bind("libAltered.so", name -> {
            if (missing.contains(name)) {
                return Optional.empty();
            }
            return replaced.containsKey(name) ? Optional.of(replaced.get(name)) : real.find(name);
        });
    }

    private static MemorySegment function(MethodHandle target, MemoryLayout parameter) {
        return Linker.nativeLinker().upcallStub(target, FunctionDescriptor.of(JAVA_INT, parameter), Arena.global());
    }

    private static int oldVersion(MemorySegment version) {
        version.reinterpret(Integer.BYTES).set(JAVA_INT, 0, 11020);
        return 0;
    }

    private static MemorySegment initEndingWith(int code) {
        MethodHandle constant = MethodHandles.constant(int.class, code);
        return function(MethodHandles.dropArguments(constant, 0, int.class), JAVA_INT);
    }

    @ParameterizedTest
    @EnumSource(CudaFunction.class)
    @ExtendWith(NeedsCudaSimulator.class)
    void aFunctionThatIsMissingIsNamed(CudaFunction function) {
        CudaLibrary library = altered(Map.of(), SEARCH[0], SEARCH[1], function.symbol());
        assertNull(library.calls());
        assertTrue(library.missing().contains("libAltered.so has no function " + function.symbol()), library.missing());
        assertTrue(library.missing().contains("470 or newer"), library.missing());
    }

    @Test
    @ExtendWith(NeedsCudaSimulator.class)
    void functionsAreFoundInAnyOfThreeWays() {
        for (String[] hidden : new String[][] {{}, {SEARCH[1]}, SEARCH}) {
            CudaLibrary library = altered(Map.of(), hidden);
            assertNotNull(library.calls(), library.missing());
            assertTrue(library.simulated());
            assertTrue(library.calls().devices().count() > 0);
        }
    }

    @Test
    @ExtendWith(NeedsCudaSimulator.class)
    void aDriverThatIsTooOldIsANormalState() throws Exception {
        MethodHandle version = MethodHandles.lookup()
                .findStatic(CudaLibraryTest.class, "oldVersion", MethodType.methodType(int.class, MemorySegment.class));
        CudaLibrary library = altered(Map.of("cuDriverGetVersion", function(version, ADDRESS)), SEARCH);
        assertNull(library.calls());
        assertEquals(
                "the CUDA driver libAltered.so is of CUDA 11.2, too old; install driver 470 or newer (CUDA 11.4)",
                library.missing());
    }

    @Test
    @ExtendWith(NeedsCudaSimulator.class)
    void aDriverWithoutADeviceIsANormalState() {
        CudaLibrary library = altered(Map.of("cuInit", initEndingWith(CudaStatus.NO_DEVICE)), SEARCH);
        assertNull(library.calls());
        assertEquals(
                "the CUDA driver libAltered.so finds no device; CUDA_VISIBLE_DEVICES may hide it", library.missing());
    }

    @Test
    @ExtendWith(NeedsCudaSimulator.class)
    void aDriverThatDoesNotStartIsANormalState() {
        CudaLibrary library = altered(Map.of("cuInit", initEndingWith(803)), SEARCH);
        assertNull(library.calls());
        assertEquals(
                "the CUDA driver libAltered.so does not start: cuInit failed with unknown error (803)",
                library.missing());
    }
}
