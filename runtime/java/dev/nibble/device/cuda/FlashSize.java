package dev.nibble.device.cuda;

import dev.nibble.device.KvLayout;
import dev.nibble.device.KvType;
import java.util.Arrays;
import java.util.Optional;

/** The sizes of heads that {@code flash.cu} is compiled for, the smallest first: smaller heads are filled up with zeros. */
enum FlashSize {
    SIZE_64(64, 64),
    SIZE_96(96, 96),
    SIZE_128(128, 128),
    SIZE_192(192, 128),
    SIZE_256(256, 256);

    /** Queries that a tensor core takes at once. */
    private static final int QUERIES = 16;

    private static final int WARP = 32;

    private static final int LEAST_CAPABILITY = 80;

    /** Sizes are multiples of it: what a thread reads or writes at once, and a row of the cache. */
    private static final int ALIGNMENT = 8;

    /** Queries of larger heads are in shared memory. */
    private static final int MOST_IN_REGISTERS = 128;

    /** What a token's row in shared memory, and of a step of products, is a multiple of. */
    private static final int PIECE = 16;

    private final int keys;
    private final int values;

    FlashSize(int keys, int values) {
        this.keys = keys;
        this.values = values;
    }

    /**
     * A kernel of {@code flash.cu}.
     *
     * @param name the beginning of its name
     * @param size what it is compiled for
     * @param warps of a block
     * @param tokens of a tile
     * @param shares whether warps share tiles and have queries of their own, not the other way round
     * @param blocksPerMultiprocessor that its registers are limited for
     */
    record Kernel(String name, FlashSize size, int warps, int tokens, boolean shares, int blocksPerMultiprocessor) {
        int threads() {
            return warps * WARP;
        }

        /** Queries of a block. */
        int queries() {
            return shares ? warps * QUERIES : QUERIES;
        }

        /** Dynamic shared memory of a block. */
        long sharedBytes(KvLayout layout) {
            long tile = tokens * (keyRow(layout.keyType()) + valueRow(layout.valueType()));
            long query = size.isLarge() ? QUERIES * queryRow(layout.keyType()) : 0;
            // What warps found: sums of values, with room that keeps rows apart, largest scores and totals.
            long found = QUERIES * (size.values + 8 + 2) * Float.BYTES;
            long places = (shares ? 1 : warps) * 2L * tokens * Integer.BYTES;
            return places + (shares ? warps * query + tile : query + warps * Math.max(tile, found));
        }

        /** Two halves for each value, or one and a byte; or a byte, and a scale for each block. */
        private long queryRow(KvType keys) {
            return keys.isQuantized()
                    ? stride(size.keys) + 2 * scales(keys, size.keys)
                    : stride((long) (shares ? Short.BYTES + 1 : 2 * Short.BYTES) * size.keys);
        }

        /** Halves that warps share stand there in bytes too, with a scale. */
        private long keyRow(KvType type) {
            long bytes = Math.ceilDiv(type.bytes(size.keys) - scales(type, size.keys), 2 * PIECE) * 2L * PIECE;
            long inBytes = shares && !type.isQuantized() ? stride(size.keys) + Float.BYTES : 0;
            return stride(bytes) + 2 * scales(type, size.keys) + inBytes;
        }

        private long valueRow(KvType type) {
            return stride(Short.BYTES * size.values) + 2 * scales(type, size.values);
        }

        /** Bytes of the scales of a token's blocks in the cache; half of what they take as floats. */
        private static long scales(KvType type, int values) {
            return type.isQuantized() ? (long) values / KvType.BLOCK * Short.BYTES : 0;
        }
    }

    /** How far rows of so many bytes are apart in shared memory: an odd multiple of what is read at once. */
    static long stride(long bytes) {
        return bytes / PIECE % 2 == 1 ? bytes : bytes + PIECE;
    }

    /** The size for a cache on a device; empty if there is none. */
    static Optional<FlashSize> of(CudaTraits device, KvLayout layout) {
        boolean suits = device.capability() >= LEAST_CAPABILITY
                && layout.keyType() != KvType.F32
                && layout.valueType() != KvType.F32
                && layout.keySize() % ALIGNMENT == 0
                && layout.valueSize() % ALIGNMENT == 0;
        return Arrays.stream(values())
                .filter(size -> suits && size.holds(layout))
                .findFirst();
    }

    /** Where keys and values are of different types, heads of two sizes are compiled. */
    private boolean holds(KvLayout layout) {
        return layout.keySize() <= keys
                && layout.valueSize() <= values
                && (layout.keyType() == layout.valueType() || this == SIZE_128 || this == SIZE_256);
    }

    /** The largest size of keys, by which kernels are named. */
    int keys() {
        return keys;
    }

    private boolean isLarge() {
        return keys > MOST_IN_REGISTERS;
    }

    /** The kernel for many rows. */
    Kernel rows() {
        return new Kernel("flash_rows", this, isLarge() ? 4 : 8, keys > 192 ? 16 : keys > 96 ? 32 : 64, true, 1);
    }

    /** The kernel for a few rows. */
    Kernel tokens() {
        return new Kernel("flash_tokens", this, 4, isLarge() ? 16 : 32, false, 2);
    }
}
