package dev.nibble.foreign;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.nibble.device.NeedsOpenCl;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** OpenCL libraries that are missing, damaged or old, and calls that fail. */
class OpenClLibraryTest {
    @Test
    void aLibraryThatIsMissingIsANormalState() {
        OpenClLibrary library = OpenClLibrary.load(List.of("libNoSuchOpenCL.so.1", "libNoSuchOpenCL.so"));
        assertNull(library.calls());
        assertTrue(library.missing().contains("libNoSuchOpenCL.so.1, libNoSuchOpenCL.so"), library.missing());
        assertTrue(library.missing().contains("install"), library.missing());
    }

    @Test
    void aFileThatIsNoLibraryIsANormalState(@TempDir Path folder) throws Exception {
        Path file = Files.writeString(folder.resolve("libOpenCL.so.1"), "no library");
        OpenClLibrary library = OpenClLibrary.load(List.of(file.toString()));
        assertNull(library.calls());
        assertTrue(library.missing().contains(file.toString()), library.missing());
    }

    @ParameterizedTest
    @EnumSource(OpenClFunction.class)
    @ExtendWith(NeedsOpenCl.class)
    void aFunctionThatIsMissingIsNamed(OpenClFunction function) {
        OpenClLibrary library = new FaultyOpenCl().without(function.symbol()).library();
        assertNull(library.calls());
        assertTrue(library.missing().contains(function.symbol()), library.missing());
        assertTrue(library.missing().contains("libFaulty.so"), library.missing());
    }

    @Test
    @ExtendWith(NeedsOpenCl.class)
    void errorsHaveNameNumberAndCall() {
        OpenCl calls = new FaultyOpenCl().library().calls();
        assertNotNull(calls);
        long device = calls.devices(calls.platforms()[0])[0];
        var info = assertThrows(OpenClException.class, () -> calls.deviceInfo(device, 1));
        assertEquals("clGetDeviceInfo failed with CL_INVALID_VALUE (-30)", info.getMessage());
        assertEquals(-30, info.code());
        long context = calls.createContext(device);
        var buffer = assertThrows(OpenClException.class, () -> calls.createBuffer(context, 1, 0));
        assertEquals("clCreateBuffer failed with CL_INVALID_BUFFER_SIZE (-61)", buffer.getMessage());
        calls.releaseContext(context);
    }

    @Test
    @ExtendWith(NeedsOpenCl.class)
    void errorsOfDriversOwnHaveTheirNumber() {
        FaultyOpenCl faulty = new FaultyOpenCl();
        faulty.failing("clGetPlatformIDs", -12345).after(0);
        OpenCl calls = faulty.library().calls();
        assertNotNull(calls);
        var error = assertThrows(OpenClException.class, calls::platforms);
        assertEquals("clGetPlatformIDs failed with unknown error (-12345)", error.getMessage());
    }
}
