package dev.nibble.device.opencl;

import dev.nibble.device.KvLayout;
import dev.nibble.device.StepForm;
import dev.nibble.device.kernel.PlaceLists;
import java.util.HashMap;
import java.util.Map;

/** The memory that operations need beside their buffers. */
final class Workspace {
    private static final long LEAST_SCRATCH = 1 << 16;

    private Workspace() {}

    /** What is allocated where so many bytes of scratch memory are asked for: few sizes, which operations share. */
    static long scratch(long bytes) {
        return Math.max(Long.highestOneBit(bytes - 1) << 1, LEAST_SCRATCH);
    }

    /** What the parts of an attention leave to be combined; 0 if there is one part. */
    static long partials(AttentionShape cut, int rows, int heads, KvLayout layout) {
        return cut.splits() == 1 ? 0 : (long) rows * heads * cut.splits() * (layout.valueSize() + 2) * Float.BYTES;
    }

    /** All that steps of a form need. */
    static long bytes(DeviceTraits device, StepForm form) {
        Map<Object, Long> sizes = new HashMap<>();
        int sharing = form.heads() / form.kv().heads();
        for (int rows : form.limits()) {
            AttentionShape cut = AttentionShape.of(device, form.kv(), sharing, rows, form.tokens());
            long partials = partials(cut, rows, form.heads(), form.kv());
            if (partials > 0) {
                sizes.put(scratch(partials), scratch(partials));
            }
            int places = rows * form.used();
            if (places > ProductLaunches.FEW_PLACES) {
                sizes.put(places, PlaceLists.bytes(form.experts(), places));
            }
        }
        return sizes.values().stream().mapToLong(Long::longValue).sum();
    }
}
