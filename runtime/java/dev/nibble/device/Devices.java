package dev.nibble.device;

import dev.nibble.UnsupportedFeatureException;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.ServiceLoader;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;

/** The kinds of devices that this machine may have, and the way to open one by its name. */
public final class Devices {
    private static final System.Logger LOG = System.getLogger(Devices.class.getName());
    private static final Set<String> WARNED = ConcurrentHashMap.newKeySet();

    private Devices() {}

    /** All kinds, available or not, in the order in which {@code auto} prefers them; kinds that it never takes come last. */
    public static List<DeviceProvider> providers() {
        return ServiceLoader.load(DeviceProvider.class, Devices.class.getClassLoader()).stream()
                .map(ServiceLoader.Provider::get)
                .sorted(Comparator.comparing((DeviceProvider p) -> p.preference() < 0)
                        .thenComparing(DeviceProvider::preference))
                .toList();
    }

    /**
     * Opens the device of this name: {@code auto}, a kind ({@code cpu}), or a kind and an index ({@code cuda:1}). Where a kind
     * is unavailable but names a {@linkplain DeviceProvider#substitute() substitute}, that is opened, and the first time one
     * line of warning says what to do about it.
     *
     * @throws IllegalArgumentException if no kind has this name
     * @throws UnsupportedFeatureException if there is no such device here, with the reason
     */
    public static Device open(String name, DeviceOptions options) {
        if (name.equals("auto")) {
            return open(automatic(options.arithmetic()), 0, options);
        }
        int colon = name.indexOf(':');
        DeviceProvider provider = provider(colon < 0 ? name : name.substring(0, colon));
        int index = colon < 0 ? 0 : index(name, name.substring(colon + 1));
        return open(provider, index, options);
    }

    /**
     * The memory of a device of this name that need not be here.
     *
     * @param memory all of its bytes
     * @throws IllegalArgumentException if no kind has this name, or it is {@code auto}
     */
    public static ImaginedDevice imagine(String name, long memory) {
        if (name.equals("auto")) {
            throw new IllegalArgumentException("which kind of device has " + memory + " bytes of memory is to be said,"
                    + " for example cuda:0; auto looks at what is here");
        }
        int colon = name.indexOf(':');
        DeviceProvider provider = provider(colon < 0 ? name : name.substring(0, colon));
        return provider.imagine(colon < 0 ? 0 : index(name, name.substring(colon + 1)), memory);
    }

    /** What the device of this name, which is one of this machine, consumes; empty if nothing here tells. */
    public static Optional<EnergyMeter> openEnergyMeter(String name) {
        int colon = name.indexOf(':');
        DeviceProvider provider = provider(colon < 0 ? name : name.substring(0, colon));
        return provider.openEnergyMeter(colon < 0 ? 0 : index(name, name.substring(colon + 1)));
    }

    private static Device open(DeviceProvider provider, int index, DeviceOptions options) {
        if (!provider.arithmetics().contains(options.arithmetic())) {
            throw new UnsupportedFeatureException("device " + provider.kind() + " does not compute in "
                    + options.arithmetic().id() + " arithmetic; " + thoseThatOffer(options.arithmetic()));
        }
        Optional<String> unavailable = provider.unavailable();
        if (unavailable.isPresent()) {
            String name = provider.kind() + ": " + unavailable.get();
            DeviceProvider substitute = provider.substitute()
                    .map(Devices::provider)
                    .orElseThrow(() -> new UnsupportedFeatureException("device " + name));
            if (WARNED.add(name)) {
                LOG.log(
                        System.Logger.Level.WARNING,
                        "device {0}; until then, {1} does its work, many times slower",
                        name,
                        substitute.kind());
            }
            return open(substitute, index, options);
        }
        List<String> devices = provider.devices();
        if (index >= devices.size()) {
            throw new UnsupportedFeatureException("device " + provider.kind() + ":" + index + ": there are "
                    + devices.size() + " of this kind, counted from 0");
        }
        return provider.open(index, options);
    }

    private static String thoseThatOffer(Arithmetic arithmetic) {
        return providers().stream()
                .filter(provider -> provider.arithmetics().contains(arithmetic))
                .map(DeviceProvider::kind)
                .collect(Collectors.joining(", ", "those that do: ", ""));
    }

    private static DeviceProvider automatic(Arithmetic arithmetic) {
        return providers().stream()
                .filter(provider -> provider.preference() >= 0)
                .filter(provider -> provider.arithmetics().contains(arithmetic))
                .filter(provider -> provider.unavailable().isEmpty()
                        || provider.substitute().isPresent())
                .findFirst()
                .orElseThrow(() -> new UnsupportedFeatureException("no device that auto may take can be used here for "
                        + arithmetic.id() + " arithmetic; " + thoseThatOffer(arithmetic)));
    }

    private static DeviceProvider provider(String kind) {
        List<DeviceProvider> providers = providers();
        return providers.stream()
                .filter(provider -> provider.kind().equals(kind))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("no device kind '" + kind + "'; there are auto, "
                        + providers.stream().map(DeviceProvider::kind).collect(Collectors.joining(", "))));
    }

    private static int index(String name, String digits) {
        if (!digits.matches("\\d{1,3}")) {
            throw new IllegalArgumentException(
                    "device " + name + ": '" + digits + "' is no index; write for example cpu:0");
        }
        return Integer.parseInt(digits);
    }
}
