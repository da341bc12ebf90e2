package dev.nibble.foreign;

/** How many blocks a grid has, or threads a block, in each dimension. */
public record CudaGrid(int x, int y, int z) {
    /** In one dimension. */
    public static CudaGrid of(int x) {
        return new CudaGrid(x, 1, 1);
    }

    /** In two dimensions. */
    public static CudaGrid of(int x, int y) {
        return new CudaGrid(x, y, 1);
    }
}
