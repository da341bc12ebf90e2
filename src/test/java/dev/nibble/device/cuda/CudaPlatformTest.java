package dev.nibble.device.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.nibble.UnsupportedFeatureException;
import dev.nibble.device.DeviceOptions;
import dev.nibble.foreign.CudaLibrary;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** Which devices are listed and refused, and what {@code auto} may take. */
class CudaPlatformTest {
    private static final CudaTraits GOOD = device(0, 89, false, false);
    private static final CudaTraits OLD = device(0, 61, false, false);
    private static final CudaTraits PROHIBITED = device(1, 80, true, false);

    private static CudaTraits device(int ordinal, int capability, boolean prohibited, boolean simulated) {
        return new CudaTraits(
                ordinal,
                ordinal,
                "a card",
                capability,
                12080,
                "0000:01:00",
                24L << 30,
                128,
                99 << 10,
                prohibited,
                simulated);
    }

    private static CudaDeviceProvider provider(CudaTraits... devices) {
        return new CudaDeviceProvider(CudaPlatform.of(null, List.of(devices)));
    }

    @Test
    void noDriverIsANormalState() {
        CudaPlatform platform = CudaPlatform.of(CudaLibrary.load(List.of("libNoSuchCuda.so.1")));
        assertEquals(List.of(), platform.devices());
        assertTrue(platform.missing().contains("libNoSuchCuda.so.1"), platform.missing());
        assertThrows(UnsupportedFeatureException.class, platform::driver);
        CudaDeviceProvider provider = new CudaDeviceProvider(platform);
        assertEquals(Optional.of(platform.missing()), provider.unavailable());
        assertEquals(-1, provider.preference());
    }

    @Test
    void aDeviceIsDescribed() {
        assertEquals(
                List.of("a card, compute capability 8.9, 24576 MiB, 128 multiprocessors, PCI bus 0000:01:00, driver of"
                        + " CUDA 12.8"),
                provider(GOOD).devices());
        assertEquals(Optional.empty(), provider(GOOD).unavailable());
        assertTrue(provider(GOOD).preference() >= 0);
    }

    @Test
    void simulatedDevicesAreNamedSoAndNeverTakenUnasked() {
        CudaDeviceProvider provider = provider(device(0, 80, false, true));
        assertTrue(
                provider.devices().getFirst().contains("simulated"),
                provider.devices().toString());
        assertTrue(provider.preference() < 0);
    }

    @Test
    void devicesThatCannotBeUsedAreListedWithTheReason() {
        CudaDeviceProvider provider = provider(OLD, PROHIBITED);
        String reasons = provider.unavailable().orElseThrow();
        assertTrue(reasons.contains("compute capability 6.1 is below 7.5"), reasons);
        assertTrue(reasons.contains("compute mode is 'prohibited'"), reasons);
        assertTrue(provider.preference() < 0);
    }

    @Test
    void aDeviceThatCannotBeUsedKeepsItsPlace() {
        CudaDeviceProvider provider = provider(OLD, device(1, 75, false, false));
        assertEquals(Optional.empty(), provider.unavailable());
        assertEquals(2, provider.devices().size());
        assertTrue(provider.devices().getFirst().contains("; refused: its compute capability 6.1"));
        assertTrue(provider.preference() < 0, "auto takes the first device of a kind");
        var error = assertThrows(UnsupportedFeatureException.class, () -> provider.open(0, DeviceOptions.DEFAULT));
        assertTrue(error.getMessage().startsWith("device cuda:0, a card: its compute capability"), error.getMessage());
    }
}
