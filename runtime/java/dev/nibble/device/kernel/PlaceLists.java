package dev.nibble.device.kernel;

/**
 * Which places chose which expert, while one operation runs: the kernel {@code list_places} writes them.
 *
 * @param experts how many experts there are
 * @param capacity places that an expert can have
 * @param counts places of each
 * @param places their lists
 */
public record PlaceLists(int experts, int capacity, Allocation counts, Allocation places) {
    /** The bytes of lists for each expert being chosen by all of {@code capacity} places. */
    public static long bytes(int experts, int capacity) {
        return (long) experts * (1 + capacity) * Integer.BYTES;
    }

    /** Allocates lists for each expert being chosen by all of {@code capacity} places. */
    public static PlaceLists allocate(Memory memory, int experts, int capacity) {
        String what = "the lists of the places of " + experts + " experts";
        Allocation counts = memory.allocate((long) experts * Integer.BYTES, what);
        try {
            return new PlaceLists(
                    experts, capacity, counts, memory.allocate((long) experts * capacity * Integer.BYTES, what));
        } catch (RuntimeException e) {
            counts.close();
            throw e;
        }
    }
}
