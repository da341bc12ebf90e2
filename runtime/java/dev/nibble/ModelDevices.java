package dev.nibble;

import dev.nibble.device.BackgroundDevice;
import dev.nibble.device.Device;
import dev.nibble.device.DeviceOptions;
import dev.nibble.device.Devices;
import dev.nibble.device.ObservedDevice;
import dev.nibble.device.ProductObserver;
import dev.nibble.device.ReadSpeed;
import dev.nibble.device.Resources;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The devices that a model runs on: those of its layers, and the CPU where that is to have routed experts. */
final class ModelDevices {
    private final ModelOptions options;
    private final Resources resources;
    private final List<Device> ofLayers;
    private @Nullable Device cpu;

    /**
     * Opens the devices of the layers.
     *
     * @param resources close what is opened
     */
    ModelDevices(ModelOptions options, Resources resources) {
        this.options = options;
        this.resources = resources;
        this.ofLayers = open();
    }

    private List<Device> open() {
        List<Device> devices = new ArrayList<>();
        if (options.device() != null) {
            devices.add(options.device());
        } else {
            DeviceOptions form = new DeviceOptions(options.threads(), options.arithmetic());
            options.devices().forEach(name -> devices.add(resources.own(Devices.open(name, form))));
        }
        ProductObserver observer = options.observer();
        if (observer != null) {
            devices.replaceAll(device -> new ObservedDevice(device, observer));
        } else if (devices.stream().anyMatch(device -> device.threads() == 0)) {
            // Next to other hardware the processor works at the same time; devices that share it take turns instead.
            devices.replaceAll(device -> device.threads() == 0 ? device : resources.own(new BackgroundDevice(device)));
        }
        return devices;
    }

    /** Those that share the layers, in their order. */
    List<Device> ofLayers() {
        return ofLayers;
    }

    /** How fast those read; measured where they differ and nobody said what part each is to get. */
    List<Double> speeds() {
        return options.tensorSplit().isEmpty() ? ReadSpeed.of(ofLayers) : List.of();
    }

    /** Opens the CPU for routed experts, whose queue is worked on by the thread that waits for what they give. */
    Device openCpu() {
        Device opened = resources.own(Devices.open("cpu", new DeviceOptions(options.threads(), options.arithmetic())));
        ProductObserver observer = options.observer();
        cpu = observer == null ? opened : new ObservedDevice(opened, observer);
        return cpu;
    }

    /** The CPU for routed experts; null if it was not opened. */
    @Nullable
    Device cpu() {
        return cpu;
    }

    /**
     * All devices, the CPU for routed experts last.
     *
     * @throws IllegalArgumentException if threads were asked for, and none of them has any
     */
    List<Device> all() {
        List<Device> all = new ArrayList<>(ofLayers);
        if (cpu != null) {
            all.add(cpu);
        }
        if (options.threads() > 0 && all.stream().allMatch(device -> device.threads() == 0)) {
            throw new IllegalArgumentException(options.threads() + " threads are asked for, but "
                    + String.join(", ", options.devices()) + " has none of this program; leave their number out");
        }
        return List.copyOf(all);
    }
}
