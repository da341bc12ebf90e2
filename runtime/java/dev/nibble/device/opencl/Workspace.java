package dev.nibble.device.opencl;

import dev.nibble.device.KvLayout;
import dev.nibble.device.StepForm;
import dev.nibble.device.kernel.StepWorkspace;

/** The memory that operations need beside their buffers. */
final class Workspace {
    private Workspace() {}

    /** What the parts of an attention leave to be combined; 0 if there is one part. */
    static long partials(AttentionShape cut, int rows, int heads, KvLayout layout) {
        return cut.splits() == 1 ? 0 : (long) rows * heads * cut.splits() * (layout.valueSize() + 2) * Float.BYTES;
    }

    /** All that steps of a form need. */
    static long bytes(DeviceTraits device, StepForm form) {
        int sharing = form.heads() / form.kv().heads();
        return StepWorkspace.bytes(form, ProductLaunches.FEW_PLACES, rows -> {
            AttentionShape cut = AttentionShape.of(device, form.kv(), sharing, rows, form.tokens());
            return partials(cut, rows, form.heads(), form.kv());
        });
    }
}
