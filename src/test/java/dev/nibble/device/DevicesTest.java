package dev.nibble.device;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.nibble.UnsupportedFeatureException;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class DevicesTest {
    private static final DeviceOptions ONE_THREAD = new DeviceOptions(1, false);

    @ParameterizedTest
    @ValueSource(strings = {"reference", "reference:0"})
    void opensTheReferenceByName(String name) {
        try (Device device = Devices.open(name, ONE_THREAD)) {
            assertEquals("reference", device.name());
            assertEquals(1, device.threads());
            assertTrue(device.description().contains("int8"), device.description());
        }
    }

    @Test
    void exactActivationsAreDescribed() {
        try (Device device = Devices.open("reference", new DeviceOptions(2, true))) {
            assertEquals(2, device.threads());
            assertTrue(device.description().contains("float32"), device.description());
        }
    }

    @Test
    void anUnknownKindNamesThoseThereAre() {
        var error = assertThrows(IllegalArgumentException.class, () -> Devices.open("abacus", ONE_THREAD));
        assertTrue(error.getMessage().contains("'abacus'"), error.getMessage());
        assertTrue(error.getMessage().contains("auto, "), error.getMessage());
        assertTrue(error.getMessage().contains("reference"), error.getMessage());
    }

    @ParameterizedTest
    @ValueSource(strings = {"reference:", "reference:x", "reference:-1", "reference:1:2", "reference:1000"})
    void anIndexIsANumber(String name) {
        var error = assertThrows(IllegalArgumentException.class, () -> Devices.open(name, ONE_THREAD));
        assertTrue(error.getMessage().contains("is no index"), error.getMessage());
    }

    @Test
    void anIndexBeyondTheDevicesIsRefused() {
        var error = assertThrows(UnsupportedFeatureException.class, () -> Devices.open("reference:1", ONE_THREAD));
        assertTrue(error.getMessage().contains("there are 1 of this kind"), error.getMessage());
    }

    @Test
    void kindsThatAreOnlyNamedComeLast() {
        List<DeviceProvider> providers = Devices.providers();
        int named = 0;
        for (DeviceProvider provider : providers) {
            assertFalse(named > 0 && provider.preference() >= 0, provider.kind() + " comes after one only named");
            named += provider.preference() < 0 ? 1 : 0;
        }
        assertTrue(providers.stream().anyMatch(provider -> provider.kind().equals("reference")));
    }

    @Test
    void autoNeverTakesTheReference() {
        DeviceProvider first = Devices.providers().getFirst();
        if (first.preference() < 0) {
            assertThrows(UnsupportedFeatureException.class, () -> Devices.open("auto", ONE_THREAD));
            return;
        }
        try (Device device = Devices.open("auto", ONE_THREAD)) {
            assertFalse(device.name().equals("reference"), device.name());
        }
    }

    @Test
    void threadsAreNotNegative() {
        assertThrows(IllegalArgumentException.class, () -> new DeviceOptions(-1, false));
        assertEquals(Runtime.getRuntime().availableProcessors(), DeviceOptions.DEFAULT.effectiveThreads());
        assertEquals(3, new DeviceOptions(3, false).effectiveThreads());
    }
}
