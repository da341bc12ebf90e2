package dev.nibble.engine;

import dev.nibble.device.KvRotation;
import dev.nibble.device.KvType;
import java.util.List;

/**
 * How much an engine holds and computes at once, and how.
 *
 * @param contextLength the most tokens of a sequence
 * @param cacheTokens tokens that the KV cache holds for all sequences, at least {@code contextLength}
 * @param keyType storage of keys
 * @param valueType storage of values
 * @param rotation whether keys and values are turned before they are stored
 * @param rows the most tokens in one step; several devices have smaller ones, so that all of them work on a prompt
 * @param proportions of the layers that each of several devices gets, relative to one another; empty: as free memory allows
 */
public record EngineOptions(
        int contextLength,
        int cacheTokens,
        KvType keyType,
        KvType valueType,
        KvRotation rotation,
        int rows,
        List<Double> proportions) {
    /** Checks that the numbers are positive and that the cache holds a whole context. */
    public EngineOptions {
        proportions = List.copyOf(proportions);
        if (contextLength < 1 || rows < 1 || cacheTokens < contextLength) {
            throw new IllegalArgumentException("no engine with a context of " + contextLength + " tokens, a cache of "
                    + cacheTokens + " and steps of " + rows);
        }
    }

    /** Options that leave the split over devices to free memory. */
    public EngineOptions(
            int contextLength, int cacheTokens, KvType keyType, KvType valueType, KvRotation rotation, int rows) {
        this(contextLength, cacheTokens, keyType, valueType, rotation, rows, List.of());
    }

    /** Options that turn what {@link KvRotation#AUTO} turns. */
    public EngineOptions(int contextLength, int cacheTokens, KvType keyType, KvType valueType, int rows) {
        this(contextLength, cacheTokens, keyType, valueType, KvRotation.AUTO, rows);
    }
}
