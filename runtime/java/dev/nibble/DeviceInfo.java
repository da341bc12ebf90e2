package dev.nibble;

import dev.nibble.device.Arithmetic;
import dev.nibble.device.DeviceProvider;
import dev.nibble.device.Devices;
import java.util.ArrayList;
import java.util.List;

/**
 * A device of this machine, or a kind of device that it lacks.
 *
 * @param name the name for {@link ModelOptions}: {@code cpu}, {@code reference} …
 * @param available whether it can be used
 * @param automatic whether {@code auto} may choose it; the first available one is taken
 * @param description what it is, or why it cannot be used
 * @param arithmetics the ways in which it computes linear layers, for {@link ModelOptions}
 */
public record DeviceInfo(
        String name, boolean available, boolean automatic, String description, List<Arithmetic> arithmetics) {
    /** Copies the list. */
    public DeviceInfo {
        arithmetics = List.copyOf(arithmetics);
    }

    /** All devices of this machine and all kinds that it lacks, in the order in which {@code auto} prefers them. */
    public static List<DeviceInfo> all() {
        List<DeviceInfo> all = new ArrayList<>();
        for (DeviceProvider provider : Devices.providers()) {
            boolean automatic = provider.preference() >= 0;
            List<Arithmetic> arithmetics =
                    provider.arithmetics().stream().sorted().toList();
            if (provider.unavailable().isPresent()) {
                all.add(new DeviceInfo(
                        provider.kind(),
                        false,
                        automatic,
                        provider.unavailable().get(),
                        arithmetics));
                continue;
            }
            List<String> lines = provider.devices();
            for (int i = 0; i < lines.size(); i++) {
                String name = lines.size() == 1 ? provider.kind() : provider.kind() + ":" + i;
                all.add(new DeviceInfo(name, true, automatic && i == 0, lines.get(i), arithmetics));
            }
        }
        return all;
    }
}
