package dev.nibble.device.kernel;

import dev.nibble.device.StepForm;
import java.util.HashMap;
import java.util.Map;
import java.util.function.IntToLongFunction;

/** The memory that operations need beside their buffers. */
public final class StepWorkspace {
    private static final long LEAST_SCRATCH = 1 << 16;

    private StepWorkspace() {}

    /** What is allocated where so many bytes of scratch memory are asked for: few sizes, which operations share. */
    public static long scratch(long bytes) {
        return Math.max(Long.highestOneBit(bytes - 1) << 1, LEAST_SCRATCH);
    }

    /**
     * All that steps of a form need.
     *
     * @param fewPlaces up to so many places of experts need no lists
     * @param partials bytes that the attention of so many rows leaves to be combined; 0 if nothing
     */
    public static long bytes(StepForm form, int fewPlaces, IntToLongFunction partials) {
        Map<Object, Long> sizes = new HashMap<>();
        for (int rows : form.limits()) {
            long bytes = partials.applyAsLong(rows);
            if (bytes > 0) {
                sizes.put(scratch(bytes), scratch(bytes));
            }
            int places = rows * form.used();
            if (places > fewPlaces) {
                sizes.put(places, PlaceLists.bytes(form.experts(), places));
            }
        }
        return sizes.values().stream().mapToLong(Long::longValue).sum();
    }
}
