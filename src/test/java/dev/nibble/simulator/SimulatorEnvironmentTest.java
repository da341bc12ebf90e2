package dev.nibble.simulator;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.nibble.foreign.CudaLibrary;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** What the environment says of the simulated devices, each time in a program of its own. */
@ExtendWith(NeedsCudaSimulator.class)
class SimulatorEnvironmentTest {
    private static String probe(Map<String, String> environment) throws IOException, InterruptedException {
        ProcessBuilder program = new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--enable-native-access=ALL-UNNAMED",
                "-XX:TieredStopAtLevel=1",
                "-cp",
                System.getProperty("java.class.path"),
                DriverProbe.class.getName());
        program.environment().keySet().removeIf(name -> name.startsWith("NIBBLE_"));
        program.environment().put(CudaLibrary.ENVIRONMENT, CudaLibrary.SIMULATOR);
        program.environment().putAll(environment);
        Process process = program.redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertEquals(0, process.waitFor(), output);
        return output;
    }

    @Test
    void devicesAreAsTheEnvironmentSays() throws Exception {
        String output = probe(Map.of(
                "NIBBLE_SIMULATED_DEVICES", "3GiB,2x512MiB",
                "NIBBLE_SIMULATED_CAPABILITY", "8.9,7.5",
                "NIBBLE_SIMULATED_DRIVER", "11.8"));
        assertEquals("""
                CUDA 11.8
                3072 MiB, sm_89, 101376
                512 MiB, sm_75, 65536
                512 MiB, sm_75, 65536
                """, output);
    }

    @Test
    void noDeviceAndAnOldDriverAreNormalStates() throws Exception {
        String none = probe(Map.of("NIBBLE_SIMULATED_DEVICES", "0"));
        assertTrue(none.contains("finds no device"), none);
        String old = probe(Map.of("NIBBLE_SIMULATED_DRIVER", "11.3"));
        assertTrue(old.contains("is of CUDA 11.3, too old; install driver 470 or newer (CUDA 11.4)"), old);
    }

    @Test
    void faultsAndLeaksAreReported() throws Exception {
        String leaked = probe(Map.of("NIBBLE_SIMULATOR_VERBOSE", "1"));
        assertTrue(leaked.contains("contexts ended with 1 allocations of 1000 bytes"), leaked);
        String failed = probe(Map.of("NIBBLE_SIMULATOR_FAULTS", "cuMemAlloc@1=2"));
        assertTrue(failed.contains("cuMemAlloc_v2 failed with CUDA_ERROR_OUT_OF_MEMORY (2)"), failed);
    }

    @Test
    void textsThatAreNotUnderstoodAreSaidToBe() throws Exception {
        for (String devices : new String[] {"two", "2x8", "2x8GB", "0x8GiB", "8GiB;8GiB", "99x1GiB"}) {
            String output = probe(Map.of("NIBBLE_SIMULATED_DEVICES", devices));
            assertTrue(output.contains("NIBBLE_SIMULATED_DEVICES=" + devices + " is not understood"), output);
            assertTrue(output.contains("does not start: cuInit failed"), output);
        }
        String capability = probe(Map.of("NIBBLE_SIMULATED_CAPABILITY", "6.1"));
        assertTrue(capability.contains("NIBBLE_SIMULATED_CAPABILITY is below 7.5"), capability);
        for (String capabilities : new String[] {"8", "8.0;7.5", "8.0,,7.5"}) {
            String output = probe(Map.of("NIBBLE_SIMULATED_CAPABILITY", capabilities));
            assertTrue(output.contains("NIBBLE_SIMULATED_CAPABILITY=" + capabilities + " is not understood"), output);
        }
        String execution = probe(Map.of("NIBBLE_SIMULATED_EXECUTION", "no"));
        assertTrue(execution.contains("NIBBLE_SIMULATED_EXECUTION=no is not understood"), execution);
        String faults = probe(Map.of("NIBBLE_SIMULATOR_FAULTS", "cuMemAlloc"));
        assertTrue(faults.contains("NIBBLE_SIMULATOR_FAULTS=cuMemAlloc is not understood"), faults);
    }
}
