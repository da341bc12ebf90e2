package dev.nibble.device.cuda;

import dev.nibble.device.StepForm;
import dev.nibble.device.kernel.StepWorkspace;

/** The memory that operations need beside their buffers. */
final class CudaWorkspace {
    private CudaWorkspace() {}

    /** All that steps of a form need. */
    static long bytes(CudaTraits traits, StepForm form) {
        return ProductLeftovers.bytes(traits)
                + StepWorkspace.bytes(
                        form,
                        ProductLaunches.FEW_PLACES,
                        rows -> AttentionLaunches.partials(traits, form, rows),
                        (tile, rows) -> AttentionLaunches.partials(traits, tile, form.heads(), rows));
    }
}
