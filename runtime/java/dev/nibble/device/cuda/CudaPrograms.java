package dev.nibble.device.cuda;

import dev.nibble.UnsupportedFeatureException;
import dev.nibble.foreign.Cuda;
import dev.nibble.foreign.CudaException;
import dev.nibble.foreign.CudaFunctionAttribute;
import java.util.HashMap;
import java.util.Map;
import java.util.function.LongConsumer;

/** The modules of a device, loaded when first asked for, and their kernels. Used by the thread that holds the device's lock. */
final class CudaPrograms {
    /** Bytes of shared memory that a launch may ask for without a word. */
    private static final int SHARED = 48 << 10;

    private record Key(String module, String kernel) {}

    private final Cuda calls;
    private final CudaTraits device;
    private final Map<String, Long> modules = new HashMap<>();
    private final Map<Key, Long> kernels = new HashMap<>();
    private final Map<Long, Integer> shared = new HashMap<>();

    CudaPrograms(Cuda calls, CudaTraits device) {
        this.calls = calls;
        this.device = device;
    }

    /**
     * A kernel of a module.
     *
     * @throws UnsupportedFeatureException if the driver does not take the module, or the module has no such kernel
     */
    long kernel(String module, String name) {
        Key key = new Key(module, name);
        Long known = kernels.get(key);
        if (known == null) {
            known = find(module, name);
            kernels.put(key, known);
        }
        return known;
    }

    private long find(String module, String name) {
        Long loaded = modules.get(module);
        if (loaded == null) {
            loaded = load(PtxModules.of(module, device.capability()));
            modules.put(module, loaded);
        }
        try {
            return calls.modules().function(loaded, name);
        } catch (CudaException e) {
            throw e.isContextLost()
                    ? e
                    : new UnsupportedFeatureException("device " + device.device() + ": the kernels " + module
                            + ".ptx of this build have no kernel " + name + ": " + e.getMessage());
        }
    }

    private long load(PtxModules.Ptx ptx) {
        try {
            return calls.modules().load(ptx.text());
        } catch (CudaException e) {
            if (e.isContextLost() || e.isOutOfMemory()) {
                throw e;
            }
            throw new UnsupportedFeatureException("device " + device.device() + ", " + device.describe()
                    + ": the driver does not take the kernels " + ptx.file() + ": " + e.getMessage()
                    + "\nupdate the driver; if it is new, this build is damaged");
        }
    }

    /** Lets a kernel be launched with so many bytes of dynamic shared memory. */
    void allowShared(long kernel, String name, int bytes) {
        if (bytes > device.mostShared()) {
            throw new UnsupportedFeatureException("device " + device.device() + ": the kernel " + name + " needs "
                    + bytes + " bytes of shared memory for this model, and a block can have " + device.mostShared());
        }
        if (bytes > shared.getOrDefault(kernel, SHARED)) {
            calls.modules().setAttribute(kernel, CudaFunctionAttribute.MAX_DYNAMIC_SHARED_SIZE_BYTES, bytes);
            shared.put(kernel, bytes);
        }
    }

    /** Unloads all modules. */
    void close(LongConsumer unload) {
        modules.values().forEach(unload::accept);
        modules.clear();
        kernels.clear();
    }
}
