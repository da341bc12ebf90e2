package dev.nibble.engine;

import dev.nibble.device.Buffer;
import dev.nibble.device.Device;
import dev.nibble.device.ElementType;
import dev.nibble.device.KvPages;
import dev.nibble.device.Queue;
import dev.nibble.device.Resources;
import dev.nibble.model.LayerRange;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/** The pages of the KV cache of one device's layers, and the page table that says whose they are. */
final class LayerCache implements AutoCloseable {
    private final Resources resources = new Resources();
    private final List<KvPages> pages = new ArrayList<>();
    private final LayerRange layers;
    private final EnginePlan plan;
    private final Buffer pageTable;
    private final Queue queue;

    LayerCache(Device device, LayerRange layers, EnginePlan plan) {
        this.layers = layers;
        this.plan = plan;
        this.queue = device.queue();
        try {
            StepLimits limits = plan.limits();
            pageTable = resources.own(device.allocate(ElementType.I32, limits.slots(), limits.pagesPerSequence()));
            for (int layer = 0; layer < layers.count(); layer++) {
                pages.add(resources.own(device.allocateKv(plan.kvLayout(), plan.pages())));
            }
        } catch (RuntimeException | Error e) {
            resources.closeAfter(e);
            throw e;
        }
    }

    /** The pages of one of the layers. */
    KvPages layer(int layer) {
        return pages.get(layer - layers.first());
    }

    /** I32 (slots, pages of the longest sequence). */
    Buffer pageTable() {
        return pageTable;
    }

    /** Whether keys are turned before they are written, and queries with them. */
    boolean turnsKeys() {
        return plan.rotation().turnsKeys(plan.kvLayout().keyType());
    }

    /** Whether values are turned before they are written, and what attention gives turned back. */
    boolean turnsValues() {
        return plan.rotation().turnsValues(plan.kvLayout().valueType());
    }

    /** Sets an element of the page table. */
    void setPage(long element, int page) {
        queue.write(pageTable, element, MemorySegment.ofArray(new int[] {page}));
    }

    @Override
    public void close() {
        resources.close();
    }
}
