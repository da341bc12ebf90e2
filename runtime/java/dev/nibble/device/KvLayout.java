package dev.nibble.device;

/**
 * What one layer keeps of each token in the KV cache.
 *
 * @param heads key and value heads
 * @param keySize values of one head's key
 * @param valueSize values of one head's value
 * @param keyType storage of keys
 * @param valueType storage of values
 * @param pageTokens tokens in one page
 */
public record KvLayout(int heads, int keySize, int valueSize, KvType keyType, KvType valueType, int pageTokens) {
    /** Checks that the numbers are positive. */
    public KvLayout {
        if (heads < 1 || keySize < 1 || valueSize < 1 || pageTokens < 1) {
            throw new IllegalArgumentException("no KV layout of " + heads + " heads, sizes " + keySize + " and "
                    + valueSize + ", pages of " + pageTokens);
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
