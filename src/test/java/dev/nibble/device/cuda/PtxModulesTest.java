package dev.nibble.device.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Which of the compiled kernels a device takes. */
class PtxModulesTest {
    @ParameterizedTest
    @CsvSource({"75, 75", "80, 80", "86, 80", "89, 80", "90, 80", "100, 80", "120, 80"})
    void thoseOfTheHighestCapabilityThatItHas(int capability, int made) {
        for (String module : new String[] {"rows", "matmul_q4_k", "kv_f16_f16", "repack"}) {
            PtxModules.Ptx ptx = PtxModules.of(module, capability);
            assertEquals("/cuda-kernels/ptx/compute_" + made + "/" + module + ".ptx", ptx.file());
            assertTrue(ptx.text().contains(".target sm_" + made), ptx.file());
        }
    }

    @ParameterizedTest
    @CsvSource({"75", "80", "90", "120"})
    void thoseOfTheLowestWhereNoneGains(int capability) {
        assertEquals(
                "/cuda-kernels/ptx/compute_75/attention_f16_f16.ptx",
                PtxModules.of("attention_f16_f16", capability).file());
    }

    @Test
    void kernelsThatThereAreNotAreNamed() {
        String message = assertThrows(IllegalStateException.class, () -> PtxModules.of("columns", 86))
                .getMessage();
        assertEquals("this build holds no kernels columns.ptx for compute capability 8.6", message);
    }
}
