package dev.nibble.foreign;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** CUDA drivers that are missing, damaged or old. */
class CudaLibraryTest {
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
}
