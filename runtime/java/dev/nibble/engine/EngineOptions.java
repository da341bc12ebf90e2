package dev.nibble.engine;

import dev.nibble.device.KvType;

/**
 * How much an engine holds and computes at once.
 *
 * @param contextLength the most tokens of a sequence
 * @param cacheTokens tokens that the KV cache holds for all sequences, at least {@code contextLength}
 * @param keyType storage of keys
 * @param valueType storage of values
 * @param rows the most tokens in one step
 */
public record EngineOptions(int contextLength, int cacheTokens, KvType keyType, KvType valueType, int rows) {
    /** Checks that the numbers are positive and that the cache holds a whole context. */
    public EngineOptions {
        if (contextLength < 1 || rows < 1 || cacheTokens < contextLength) {
            throw new IllegalArgumentException("no engine with a context of " + contextLength + " tokens, a cache of "
                    + cacheTokens + " and steps of " + rows);
        }
    }
}
