package dev.nibble.device;

import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;

/** Machines differ in how many devices of a kind they have. */
public final class PresentDevices {
    private PresentDevices() {}

    /**
     * Skips the running test, visibly, where one of these devices is not on this machine.
     *
     * @param names with commas between them
     */
    public static void assume(String names) {
        for (String name : names.split(",")) {
            Assumptions.assumeTrue(isPresent(name), () -> "no device " + name + " on this machine");
        }
    }

    private static boolean isPresent(String name) {
        String[] parts = name.split(":");
        int index = parts.length == 1 ? 0 : Integer.parseInt(parts[1]);
        return Devices.providers().stream()
                .filter(provider -> provider.kind().equals(parts[0]))
                .flatMap(provider -> provider.unavailable().isPresent()
                        ? Stream.empty()
                        : Stream.of(provider.devices().size()))
                .anyMatch(count -> index < count);
    }
}
