package dev.nibble.engine;

import dev.nibble.device.Buffer;
import dev.nibble.device.Device;
import dev.nibble.device.ElementType;
import dev.nibble.device.KvLayout;
import dev.nibble.device.KvPages;
import dev.nibble.device.KvRotation;
import dev.nibble.device.Queue;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;

/** The paged KV cache of all layers on a device, and the page table that says whose pages they are. */
final class KvCache implements AutoCloseable {
    private final List<KvPages> layers = new ArrayList<>();
    private final Buffer pageTable;
    private final Queue queue;
    private final PagePool pool;
    private final KvLayout layout;
    private final KvRotation rotation;
    private final StepLimits limits;
    private final BitSet slots = new BitSet();

    /**
     * @param layout what a layer keeps of a token
     * @param rotation whether keys and values are turned before they are written
     * @param layerCount layers
     * @param pages pages of each layer
     * @param limits the number of slots and of pages of the longest sequence
     */
    KvCache(Device device, KvLayout layout, KvRotation rotation, int layerCount, int pages, StepLimits limits) {
        this.layout = layout;
        this.rotation = rotation;
        this.limits = limits;
        this.queue = device.queue();
        this.pool = new PagePool(pages);
        this.pageTable = device.allocate(ElementType.I32, limits.slots(), limits.pagesPerSequence());
        try {
            for (int layer = 0; layer < layerCount; layer++) {
                layers.add(device.allocateKv(layout, pages));
            }
        } catch (RuntimeException | Error e) {
            close();
            throw e;
        }
    }

    /** The pages of one layer. */
    KvPages layer(int layer) {
        return layers.get(layer);
    }

    /** I32 (slots, pages of the longest sequence). */
    Buffer pageTable() {
        return pageTable;
    }

    /** Whether keys are turned before they are written, and queries with them. */
    boolean turnsKeys() {
        return rotation.turnsKeys(layout.keyType());
    }

    /** Whether values are turned before they are written, and what attention gives turned back. */
    boolean turnsValues() {
        return rotation.turnsValues(layout.valueType());
    }

    PagePool pool() {
        return pool;
    }

    int pageTokens() {
        return layout.pageTokens();
    }

    /** Takes a row of the page table; {@link Sequence#NO_SLOT} if all are taken. */
    int takeSlot() {
        int slot = slots.nextClearBit(0);
        if (slot == limits.slots()) {
            return Sequence.NO_SLOT;
        }
        slots.set(slot);
        return slot;
    }

    void giveSlotBack(int slot) {
        slots.clear(slot);
    }

    /** Tells the device which page comes at this place of a slot's sequence. */
    void setPage(int slot, int place, int page) {
        long element = (long) slot * limits.pagesPerSequence() + place;
        queue.write(pageTable, element, MemorySegment.ofArray(new int[] {page}));
    }

    @Override
    public void close() {
        layers.forEach(KvPages::close);
        pageTable.close();
    }
}
