package dev.nibble.foreign;

import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.nibble.simulator.NeedsCudaSimulator;
import java.lang.foreign.Arena;
import java.lang.foreign.SymbolLookup;
import java.nio.file.Path;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Drivers that lack functions, or the function that finds the others. */
@ExtendWith(NeedsCudaSimulator.class)
class CudaEntryPointsTest {
    @SuppressWarnings("restricted") // loads a native library
    private static SymbolLookup without(String... missing) {
        SymbolLookup library = SymbolLookup.libraryLookup(Path.of(CudaSimulator.file()), Arena.global());
        return name -> Set.of(missing).contains(name) ? Optional.empty() : library.find(name);
    }

    @ParameterizedTest
    @EnumSource(CudaFunction.class)
    void aFunctionThatIsMissingIsNamed(CudaFunction function) {
        CudaLibrary library =
                CudaLibrary.bind("libcuda.so.1", without("cuGetProcAddress", "cuGetProcAddress_v2", function.symbol()));
        assertNull(library.calls());
        assertTrue(
                library.missing().contains("has no function " + function.symbol() + ": it is too old"),
                library.missing());
    }

    @Test
    void functionsAreFoundInEachWay() {
        for (SymbolLookup lookup : new SymbolLookup[] {
            without(), without("cuGetProcAddress_v2"), without("cuGetProcAddress", "cuGetProcAddress_v2")
        }) {
            Cuda calls = CudaLibrary.bind("libcuda.so.1", lookup).calls();
            assertNotNull(calls);
            assertTrue(calls.devices().count() > 0);
        }
    }
}
