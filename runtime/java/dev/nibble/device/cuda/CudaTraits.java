package dev.nibble.device.cuda;

import dev.nibble.UnsupportedFeatureException;
import dev.nibble.foreign.Cuda;
import dev.nibble.foreign.CudaAttribute;
import java.util.Locale;
import java.util.Optional;

/**
 * What the driver says of a device.
 *
 * @param ordinal its place among the devices
 * @param id the driver's number of it
 * @param name the hardware
 * @param capability 10 · major + minor of the compute capability
 * @param driver the CUDA that the driver serves: 1000 · major + 10 · minor
 * @param bus where it is plugged in: domain, bus and device
 * @param memory bytes of device memory
 * @param multiprocessors how many blocks run side by side, or some times that
 * @param mostShared bytes of shared memory that a block can have
 * @param prohibited whether the administrator lets nobody compute on it
 * @param simulated whether it is no hardware
 */
record CudaTraits(
        int ordinal,
        int id,
        String name,
        int capability,
        int driver,
        String bus,
        long memory,
        int multiprocessors,
        int mostShared,
        boolean prohibited,
        boolean simulated) {
    /** Turing: older ones lack instructions that kernels use. */
    static final int LEAST_CAPABILITY = 75;

    private static final int PROHIBITED = 2;

    static CudaTraits of(Cuda calls, int ordinal, boolean simulated) {
        int id = calls.devices().get(ordinal);
        return new CudaTraits(
                ordinal,
                id,
                calls.devices().name(id),
                10 * number(calls, id, CudaAttribute.COMPUTE_CAPABILITY_MAJOR)
                        + number(calls, id, CudaAttribute.COMPUTE_CAPABILITY_MINOR),
                calls.version(),
                String.format(
                        Locale.ROOT,
                        "%04x:%02x:%02x",
                        number(calls, id, CudaAttribute.PCI_DOMAIN_ID),
                        number(calls, id, CudaAttribute.PCI_BUS_ID),
                        number(calls, id, CudaAttribute.PCI_DEVICE_ID)),
                calls.devices().totalMemory(id),
                number(calls, id, CudaAttribute.MULTIPROCESSOR_COUNT),
                number(calls, id, CudaAttribute.MAX_SHARED_MEMORY_PER_BLOCK_OPTIN),
                number(calls, id, CudaAttribute.COMPUTE_MODE) == PROHIBITED,
                simulated);
    }

    /** A data-centre GPU of this much memory: what shapes of launches depend on. */
    static CudaTraits imagined(int ordinal, long memory) {
        return new CudaTraits(ordinal, ordinal, "imagined", 80, 12000, "none", memory, 132, 164 << 10, false, false);
    }

    private static int number(Cuda calls, int id, CudaAttribute attribute) {
        return calls.devices().attribute(id, attribute);
    }

    /** The name of the device for options. */
    String device() {
        return "cuda:" + ordinal;
    }

    /** Why it cannot be used; empty if it can. */
    Optional<String> refusal() {
        if (capability < LEAST_CAPABILITY) {
            return Optional.of("its compute capability " + version(capability) + " is below "
                    + version(LEAST_CAPABILITY) + " (Turing); use a newer card, or opencl");
        }
        return prohibited
                ? Optional.of("its compute mode is 'prohibited'; change it with nvidia-smi -c DEFAULT")
                : Optional.empty();
    }

    /**
     * This, if it can be used.
     *
     * @throws UnsupportedFeatureException if it cannot, with the reason
     */
    CudaTraits usable() {
        refusal().ifPresent(reason -> {
            throw new UnsupportedFeatureException("device " + device() + ", " + name + ": " + reason);
        });
        return this;
    }

    private static String version(int capability) {
        return capability / 10 + "." + capability % 10;
    }

    /** One line for people. */
    String describe() {
        String mark = simulated && !name.toLowerCase(Locale.ROOT).contains("simulated") ? " (simulated)" : "";
        return name + mark + ", compute capability " + version(capability) + ", " + (memory >> 20) + " MiB, "
                + multiprocessors + " multiprocessors, PCI bus " + bus + ", driver of CUDA " + Cuda.text(driver);
    }
}
