package dev.nibble.engine;

import java.util.BitSet;
import java.util.List;

/** The paged KV cache of all layers, wherever they are, and whose slots and pages they are. */
final class KvCache {
    private final List<LayerCache> parts;
    private final PagePool pool;
    private final int pageTokens;
    private final StepLimits limits;
    private final BitSet slots = new BitSet();

    /**
     * A cache of nobody's pages.
     *
     * @param parts the memory of each device's layers
     */
    KvCache(List<LayerCache> parts, EnginePlan plan) {
        this.parts = List.copyOf(parts);
        this.limits = plan.limits();
        this.pageTokens = plan.kvLayout().pageTokens();
        this.pool = new PagePool(plan.pages());
    }

    PagePool pool() {
        return pool;
    }

    int pageTokens() {
        return pageTokens;
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

    /** Tells the devices which page comes at this place of a slot's sequence. */
    void setPage(int slot, int place, int page) {
        long element = (long) slot * limits.pagesPerSequence() + place;
        for (LayerCache part : parts) {
            part.setPage(element, page);
        }
    }
}
