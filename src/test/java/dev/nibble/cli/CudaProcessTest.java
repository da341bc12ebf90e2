package dev.nibble.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.nibble.simulator.NeedsCudaSimulator;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** CUDA drivers and devices of other kinds than the one that tests run on, in processes of their own. */
@ExtendWith(NeedsCudaSimulator.class)
@Timeout(120)
final class CudaProcessTest {
    private static final String[] STORY = {
        "run", "--device", "cuda:0", "-p", "Once upon a time", "-n", "6", "--temperature", "0"
    };

    @TempDir
    private Path folder;

    private record Result(int status, String out, String err) {}

    private Result nibble(String environment, String... arguments) throws Exception {
        Path out = folder.resolve("out");
        String options = "JDK_JAVA_OPTIONS='--enable-native-access=ALL-UNNAMED --add-modules=jdk.incubator.vector' ";
        Process process = NibbleProcess.start(
                "export NIBBLE_CUDA_LIBRARY=simulator " + options + environment + "; exec >" + out + "; ", arguments);
        String err = new String(process.getErrorStream().readAllBytes(), StandardCharsets.UTF_8);
        int status = process.waitFor();
        return new Result(status, Files.readString(out), err);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
                    NIBBLE_CUDA_LIBRARY=libNoSuchCuda.so.1 | no CUDA driver (libNoSuchCuda.so.1) on this system; install NVIDIA's driver 470 or newer
                    NIBBLE_SIMULATED_DEVICES=0 | finds no device; CUDA_VISIBLE_DEVICES may hide it
                    NIBBLE_SIMULATED_DRIVER=11.2 | is of CUDA 11.2, too old; install driver 470 or newer
                    NIBBLE_SIMULATED_CAPABILITY=7.0 | compute capability 7.0 is below 7.5 (Turing)
                    NIBBLE_SIMULATOR_FAULTS=cuDeviceGetCount@1=999 | does not start: cuDeviceGetCount failed with CUDA_ERROR_UNKNOWN (999)
                    """)
    void devicesThatCannotBeUsedAreListedWithTheReason(String environment, String reason) throws Exception {
        Result devices = nibble(environment, "devices");
        assertEquals(ExitStatus.DONE.code(), devices.status, devices.err);
        String line = devices.out
                .lines()
                .filter(row -> row.startsWith("cuda "))
                .findFirst()
                .orElseThrow();
        assertTrue(line.contains(" no ") && line.contains(reason), line);
        Result run = nibble(environment, STORY);
        assertEquals(ExitStatus.UNAVAILABLE.code(), run.status, run.err);
        assertTrue(run.err.contains(reason), run.err);
    }

    @Test
    void aDeviceThatCannotBeUsedIsListedBesideOneThatCan() throws Exception {
        String environment = "NIBBLE_SIMULATED_DEVICES=2x1GiB NIBBLE_SIMULATED_CAPABILITY=7.0,8.6";
        Result devices = nibble(environment, "devices");
        assertEquals(ExitStatus.DONE.code(), devices.status, devices.err);
        assertTrue(devices.out.contains("refused: its compute capability 7.0 is below 7.5"), devices.out);
        assertTrue(devices.out.contains("compute capability 8.6, 1024 MiB"), devices.out);
        Result run = nibble(environment, STORY);
        assertEquals(ExitStatus.UNAVAILABLE.code(), run.status, run.err);
        assertTrue(run.err.contains("device cuda:0, Nibble simulated GPU (sm_70): its compute capability"), run.err);
    }

    /** The oldest driver and the oldest device have kernels of their own. */
    @Test
    void theOldestDriverAndDeviceTellTheSameStory() throws Exception {
        Result oldest = nibble("NIBBLE_SIMULATED_CAPABILITY=7.5 NIBBLE_SIMULATED_DRIVER=11.4", STORY);
        assertEquals(ExitStatus.DONE.code(), oldest.status, oldest.err);
        Result newer = nibble("NIBBLE_SIMULATED_CAPABILITY=9.0", STORY);
        assertEquals(ExitStatus.DONE.code(), newer.status, newer.err);
        assertEquals(newer.out, oldest.out);
        assertTrue(oldest.out.length() > 10, oldest.out);
    }

    @Test
    void aModelThatDoesNotFitIsRefusedWithTheTable() throws Exception {
        Result run = nibble("NIBBLE_SIMULATED_DEVICES=1x8MiB", STORY);
        assertEquals(ExitStatus.DOES_NOT_FIT.code(), run.status, run.err);
        assertTrue(run.err.contains("available 8.0 MiB"), run.err);
    }
}
