package dev.nibble.device.opencl;

/**
 * Which places chose which expert, while one operation runs: see {@code list_places} of {@code matmul.cl}.
 *
 * @param experts how many experts there are
 * @param counts places of each
 * @param places their lists
 */
record PlaceLists(int experts, OpenClAllocation counts, OpenClAllocation places) {
    /** Allocates lists for each expert being chosen by all of {@code capacity} places. */
    static PlaceLists allocate(OpenClMemory memory, int experts, int capacity) {
        String what = "the lists of the places of " + experts + " experts";
        OpenClAllocation counts = memory.allocate((long) experts * Integer.BYTES, what);
        try {
            return new PlaceLists(experts, counts, memory.allocate((long) experts * capacity * Integer.BYTES, what));
        } catch (RuntimeException e) {
            counts.close();
            throw e;
        }
    }
}
