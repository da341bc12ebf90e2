package dev.nibble.simulator;

import dev.nibble.foreign.Cuda;
import dev.nibble.foreign.CudaAttribute;
import dev.nibble.foreign.CudaException;
import dev.nibble.foreign.CudaLibrary;

/** A program that prints what the driver says of itself, allocates memory, and lets its context end without freeing it. */
final class DriverProbe {
    private DriverProbe() {}

    public static void main(String[] arguments) {
        CudaLibrary library = CudaLibrary.system();
        Cuda cuda = library.calls();
        if (cuda == null) {
            System.out.println(library.missing());
            return;
        }
        System.out.println("CUDA " + Cuda.text(cuda.version()));
        for (int i = 0; i < cuda.devices().count(); i++) {
            System.out.println((cuda.devices().totalMemory(i) >> 20) + " MiB, sm_"
                    + cuda.devices().attribute(i, CudaAttribute.COMPUTE_CAPABILITY_MAJOR)
                    + cuda.devices().attribute(i, CudaAttribute.COMPUTE_CAPABILITY_MINOR) + ", "
                    + cuda.devices().attribute(i, CudaAttribute.MAX_SHARED_MEMORY_PER_BLOCK_OPTIN));
        }
        cuda.contexts().push(cuda.contexts().retainPrimary(0));
        try {
            cuda.memory().allocate(1000);
        } catch (CudaException e) {
            System.out.println(e.getMessage());
        }
        cuda.contexts().releasePrimary(0);
    }
}
