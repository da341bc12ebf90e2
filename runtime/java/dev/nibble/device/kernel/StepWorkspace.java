package dev.nibble.device.kernel;

import dev.nibble.device.StepForm;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.IntToLongFunction;
import java.util.function.ToLongBiFunction;

/** The memory that operations need beside their buffers: all steps of a device share it, for one operation runs at a time. */
public final class StepWorkspace {
    private static final long LEAST_SCRATCH = 1 << 16;

    private final Memory memory;
    private final Map<List<Integer>, PlaceLists> placeLists = new HashMap<>();
    private final Map<Long, Allocation> scratch = new HashMap<>();

    /** @param memory where it comes from, and with which it is freed */
    public StepWorkspace(Memory memory) {
        this.memory = memory;
    }

    /** Lists of the places of experts, for all operations of these sizes. */
    public synchronized PlaceLists placeLists(int experts, int capacity) {
        return placeLists.computeIfAbsent(
                List.of(experts, capacity), key -> PlaceLists.allocate(memory, experts, capacity));
    }

    /** Memory for what launches of one operation leave for each other, at least so many bytes. */
    public synchronized Allocation scratch(long bytes) {
        return scratch.computeIfAbsent(scratchBytes(bytes), size -> memory.allocate(size, "scratch memory"));
    }

    /** What is allocated where so many bytes of scratch memory are asked for: few sizes, which operations share. */
    private static long scratchBytes(long bytes) {
        return Math.max(Long.highestOneBit(bytes - 1) << 1, LEAST_SCRATCH);
    }

    /**
     * All that steps of a form need.
     *
     * @param fewPlaces up to so many places of experts need no lists
     * @param partials bytes that the attention of so many rows leaves to be combined; 0 if nothing
     * @param tile the same of attention over a tile
     */
    public static long bytes(
            StepForm form, int fewPlaces, IntToLongFunction partials, ToLongBiFunction<StepForm.Tile, Integer> tile) {
        Map<Object, Long> sizes = new HashMap<>();
        for (int rows : form.limits()) {
            addScratch(sizes, partials.applyAsLong(rows));
            StepForm.Tile tiles = form.tile();
            if (tiles != null && rows >= tiles.leastRows()) {
                addScratch(sizes, tile.applyAsLong(tiles, rows));
            }
            addLists(sizes, form.experts(), rows, form.used(), fewPlaces);
            if (form.kv().latent()) {
                addLists(sizes, form.heads(), rows, form.heads(), fewPlaces);
            }
        }
        return sizes.values().stream().mapToLong(Long::longValue).sum();
    }

    private static void addScratch(Map<Object, Long> sizes, long bytes) {
        if (bytes > 0) {
            sizes.put(scratchBytes(bytes), scratchBytes(bytes));
        }
    }

    /** Each row of a step takes so many of the matrices, all different. */
    private static void addLists(Map<Object, Long> sizes, int matrices, int rows, int used, int fewPlaces) {
        int places = rows * used;
        if (needsLists(rows, places, fewPlaces)) {
            sizes.put(List.of(matrices, places), PlaceLists.bytes(matrices, places));
        }
    }

    /** Whether the places of a step are listed by matrix: not if there are few, or none that could share one. */
    public static boolean needsLists(int rows, int places, int fewPlaces) {
        return rows > 1 && places > fewPlaces;
    }
}
