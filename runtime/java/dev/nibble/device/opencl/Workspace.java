package dev.nibble.device.opencl;

import dev.nibble.device.KvLayout;
import dev.nibble.device.StepForm;
import dev.nibble.device.kernel.StepWorkspace;

/** The memory that operations need beside their buffers. */
final class Workspace {
    private Workspace() {}

    /**
     * What the parts of an attention leave to be combined; 0 if there is nothing to combine.
     *
     * @param tile whether there are other tiles, so that even one part is combined
     */
    static long partials(AttentionShape cut, int rows, int heads, KvLayout layout, boolean tile) {
        return cut.splits() == 1 && !tile
                ? 0
                : (long) rows * heads * cut.splits() * (layout.valueSize() + 2) * Float.BYTES;
    }

    /** All that steps of a form need. */
    static long bytes(DeviceTraits device, StepForm form) {
        int sharing = form.heads() / form.kv().heads();
        return StepWorkspace.bytes(
                form,
                ProductLaunches.FEW_PLACES,
                rows -> {
                    AttentionShape cut = AttentionShape.of(device, form.kv(), sharing, rows, form.tokens());
                    return partials(cut, rows, form.heads(), form.kv(), false);
                },
                (tile, rows) -> {
                    int shared = form.heads() / tile.kv().heads();
                    AttentionShape cut = AttentionShape.of(device, tile.kv(), shared, rows, tile.tokens());
                    return partials(cut, rows, form.heads(), tile.kv(), true);
                });
    }
}
