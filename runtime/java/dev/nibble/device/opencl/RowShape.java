package dev.nibble.device.opencl;

/**
 * How work-items share a row. On a CPU one work-item walks a row with vectors: barriers between work-items would cost more than they
 * give. Elsewhere a work-group shares it, neighbours reading neighbouring values.
 *
 * @param lanes work-items of a row
 * @param vector values that a work-item reads at once
 */
record RowShape(int lanes, int vector) {
    private static final int CPU_VECTOR = 16;
    /** Values of a row that are worth another work-group. */
    private static final int CPU_PIECE = 1024;

    private static final int LANES = 256;
    private static final int FEWEST_LANES = 32;

    static RowShape of(DeviceTraits device) {
        if (device.isCpu() || device.mostWorkItems() < FEWEST_LANES) {
            return new RowShape(1, CPU_VECTOR);
        }
        return new RowShape(Math.min(LANES, Integer.highestOneBit(device.mostWorkItems())), 1);
    }

    /** The build options of the kernels. */
    String options() {
        return "-DLANES=" + lanes + " -DVECTOR=" + vector;
    }

    /** Work-groups for a row of so many values that are worked on one by one. */
    long groups(int width) {
        return Math.ceilDiv(width, lanes == 1 ? CPU_PIECE : lanes * vector);
    }

    /** Work-groups that quantize a row of so many values. */
    long quantizeGroups(int width) {
        return lanes == 1 ? 1 : Math.ceilDiv(width, lanes);
    }
}
