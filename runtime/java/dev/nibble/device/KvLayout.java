package dev.nibble.device;

import dev.nibble.UnsupportedFeatureException;

/**
 * What one layer keeps of each token in the KV cache.
 *
 * <p>A latent layout is that of {@link AttentionOperation.LatentAttention}: one head, whose value is the latent vector, which is part of the key as
 * well but kept once; {@code keySize} counts the rest of the key. Both are of one type.
 *
 * @param heads key and value heads
 * @param keySize values of one head's key
 * @param valueSize values of one head's value
 * @param keyType storage of keys
 * @param valueType storage of values
 * @param pageTokens tokens in one page
 * @param latent whether values are part of the keys
 */
public record KvLayout(
        int heads, int keySize, int valueSize, KvType keyType, KvType valueType, int pageTokens, boolean latent) {
    /** Keys and values apart. */
    public KvLayout(int heads, int keySize, int valueSize, KvType keyType, KvType valueType, int pageTokens) {
        this(heads, keySize, valueSize, keyType, valueType, pageTokens, false);
    }

    /** Checks that the numbers are positive, and that heads divide into the blocks of the types. */
    public KvLayout {
        if (heads < 1 || keySize < 1 || valueSize < 1 || pageTokens < 1) {
            throw new IllegalArgumentException("no KV layout of " + heads + " heads, sizes " + keySize + " and "
                    + valueSize + ", pages of " + pageTokens);
        }
        if (latent && (heads != 1 || keyType != valueType)) {
            throw new UnsupportedFeatureException("a KV cache of latent vectors has one head and one type, not " + heads
                    + " heads, " + keyType.id() + " and " + valueType.id() + "; choose one type with --kv");
        }
        checkBlocks("keys", keySize, keyType);
        checkBlocks("values", valueSize, valueType);
    }

    private static void checkBlocks(String what, int size, KvType type) {
        if (!type.holds(size)) {
            throw new UnsupportedFeatureException("a KV cache of " + what + " in " + type.id() + " has blocks of "
                    + KvType.BLOCK + " values, which heads of " + size + " do not divide into; use f16 or f32 for "
                    + what);
        }
    }

    /** Bytes of one token. */
    public long tokenBytes() {
        return keyType.bytes((long) heads * keySize) + valueType.bytes((long) heads * valueSize);
    }

    /** Bytes of one page. */
    public long pageBytes() {
        return pageTokens * tokenBytes();
    }
}
