/*
 * Activations quantized to int8 in blocks of 32, as the kernel `quantize` writes them: bytes, four to an int, (rows, width / 4); and for
 * each block, (rows, width / 32), its scale as the bits of a float, and the sums of its first and of its last 16 integers, those in the
 * low, these in the high 16 bits.
 */
typedef struct {
    const global int *quants;
    const global int2 *blocks;
} activations;
