package dev.nibble.device;

import java.util.List;
import java.util.Optional;
import java.util.Set;

/** A kind of device: finds those of its kind on this machine and opens them. Found through {@link java.util.ServiceLoader}. */
public interface DeviceProvider {
    /** The kind, the first part of a device's name: {@code cpu}, {@code reference} … */
    String kind();

    /** The place in the order in which {@code auto} tries the kinds, lowest first; negative: only when named. */
    int preference();

    /** Why no device of this kind can be opened here, and what to do about it; empty if one can. */
    Optional<String> unavailable();

    /**
     * The kind that does the same work where this one is {@linkplain #unavailable() unavailable}, only slower; empty if there
     * is none.
     */
    default Optional<String> substitute() {
        return Optional.empty();
    }

    /** One line per device of this kind, in the order of their indices; empty if unavailable. */
    List<String> devices();

    /** The ways in which devices of this kind can compute linear layers. */
    default Set<Arithmetic> arithmetics() {
        return Set.of(Arithmetic.BLOCK_INT8);
    }

    /**
     * Opens the device of this index.
     *
     * @param options ask for one of {@link #arithmetics}
     */
    Device open(int index, DeviceOptions options);

    /**
     * The memory of a device of this kind that need not be here.
     *
     * @param index in its name
     * @param memory all of its bytes
     */
    ImaginedDevice imagine(int index, long memory);

    /** What the device of this index consumes; empty if nothing here tells. The caller closes it. */
    default Optional<EnergyMeter> openEnergyMeter(int index) {
        return Optional.empty();
    }
}
