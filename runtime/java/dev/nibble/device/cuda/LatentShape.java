package dev.nibble.device.cuda;

import dev.nibble.UnsupportedFeatureException;
import dev.nibble.device.KvLayout;
import dev.nibble.device.KvType;

/**
 * How an attention over latent vectors is cut into blocks: each takes {@code heads} query heads of a row, and one of {@code splits} parts of
 * the tokens that it sees.
 *
 * @param kernel the kernel
 * @param splits parts of the tokens
 * @param sharedBytes dynamic shared memory of a block
 */
record LatentShape(Kernel kernel, int splits, long sharedBytes) {
    private static final int MOST_RANK = 512;
    private static final int MOST_TURNED_ON_TENSOR_CORES = 64;
    private static final int MOST_KEY = 1024;
    private static final int MOST_SPLITS = 64;

    /** Sizes are multiples of it where tensor cores multiply: what a thread reads or writes at once. */
    private static final int ALIGNMENT = 8;

    private static final int CAPABILITY_OF_TENSOR_CORES = 80;

    /** Floats in shared memory for a query and a tile: its scores, and what keeps rows apart. */
    private static final int SCORES = 40;

    /** Parts of the columns of keys whose scores are added up in shared memory: of quantized keys, which are shorter, and of f16. */
    private static final int QUANTIZED_PARTS = 2;

    private static final int PARTS = 4;

    /** The kernels: {@code latent.cu}, {@code flash_latent.cu}. */
    enum Kernel {
        PLAIN(8, 16, 128, 3),
        FLASH(32, 32, 256, 1);

        private final int heads;
        private final int tokens;
        private final int threads;
        private final int blocksPerMultiprocessor;

        Kernel(int heads, int tokens, int threads, int blocksPerMultiprocessor) {
            this.heads = heads;
            this.tokens = tokens;
            this.threads = threads;
            this.blocksPerMultiprocessor = blocksPerMultiprocessor;
        }

        /** Query heads of a block. */
        int heads() {
            return heads;
        }

        /** Threads of a block. */
        int threads() {
            return threads;
        }

        String module(KvLayout layout) {
            return this == FLASH ? name(layout) : "attention_latent";
        }

        String name(KvLayout layout) {
            return (this == FLASH ? "flash_latent_" : "latent_")
                    + layout.valueType().id();
        }

        private long sharedBytes(KvLayout layout) {
            long key = layout.keySize() + layout.valueSize();
            if (this == PLAIN) {
                // An odd number of floats, so that tokens are in different banks of memory; then scales, and weights of
                // tokens.
                long row = (key | 1) + Math.ceilDiv(key, KvType.BLOCK);
                return ((heads + tokens) * row + heads * (tokens + 1L)) * Float.BYTES;
            }
            // Two tiles, of quantized ones also their scales and values unpacked to 16 bits; then scores, and where
            // tokens stand.
            KvType type = layout.valueType();
            int values = MOST_RANK + MOST_TURNED_ON_TENSOR_CORES;
            long row = 2 * FlashSize.stride(values * type.bits() / Byte.SIZE);
            if (type.isQuantized()) {
                row += FlashSize.stride(MOST_RANK * (long) Short.BYTES) + 2L * values / KvType.BLOCK * Float.BYTES;
            }
            long scores = (long) heads * (type.isQuantized() ? QUANTIZED_PARTS : PARTS) * SCORES;
            return tokens * row + scores * Float.BYTES + 2L * tokens * Integer.BYTES;
        }
    }

    /**
     * The shape for a device.
     *
     * @param heads query heads
     * @param limit the most rows of a step
     * @param tokens the most tokens of a sequence
     */
    static LatentShape of(CudaTraits device, KvLayout layout, int heads, int limit, long tokens) {
        Kernel kernel = kernel(device, layout);
        long blocks = (long) Math.ceilDiv(heads, kernel.heads) * limit;
        long wanted = Math.ceilDiv((long) device.multiprocessors() * kernel.blocksPerMultiprocessor, blocks);
        int splits = (int) Math.clamp(Math.ceilDiv(tokens, 4L * kernel.tokens), 1, Math.min(MOST_SPLITS, wanted));
        return new LatentShape(kernel, splits, kernel.sharedBytes(layout));
    }

    private static Kernel kernel(CudaTraits device, KvLayout layout) {
        boolean flash = device.capability() >= CAPABILITY_OF_TENSOR_CORES
                && layout.valueType() != KvType.F32
                && layout.keySize() <= MOST_TURNED_ON_TENSOR_CORES
                && layout.keySize() % ALIGNMENT == 0
                && layout.valueSize() % ALIGNMENT == 0;
        return flash ? Kernel.FLASH : Kernel.PLAIN;
    }

    /**
     * Refuses what no kernel takes.
     *
     * @throws UnsupportedFeatureException if the vectors are too long
     */
    static void check(CudaTraits device, KvLayout layout) {
        if (layout.valueSize() > MOST_RANK || layout.keySize() + layout.valueSize() > MOST_KEY) {
            throw new UnsupportedFeatureException(
                    "device " + device.device() + " has no attention over latent vectors of "
                            + layout.valueSize() + " numbers and " + layout.keySize() + " beside them, only of at most "
                            + MOST_RANK + ", together at most " + MOST_KEY + "; use cpu");
        }
    }
}
