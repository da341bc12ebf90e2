package dev.nibble.engine;

import dev.nibble.device.KvRotation;
import dev.nibble.device.KvType;
import dev.nibble.model.Split;
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
 * @param proportions of the layers that each of several devices gets, relative to one another; empty: what {@code speeds} say
 * @param speeds bytes of weights per second that each device reads, to which the bytes of their layers are proportional as far as free memory
 *     allows; empty: free memory alone decides
 * @param split how several devices share the model
 * @param cpuExperts the routed experts of so many layers, from the first on, are on a device of their own, the CPU
 * @param latentForm how attention over latent vectors is computed
 */
public record EngineOptions(
        int contextLength,
        int cacheTokens,
        KvType keyType,
        KvType valueType,
        KvRotation rotation,
        int rows,
        List<Double> proportions,
        List<Double> speeds,
        Split split,
        int cpuExperts,
        LatentForm latentForm) {
    /** Checks that the numbers are positive and that the cache holds a whole context. */
    public EngineOptions {
        proportions = List.copyOf(proportions);
        speeds = List.copyOf(speeds);
        if (contextLength < 1 || rows < 1 || cacheTokens < contextLength) {
            throw new IllegalArgumentException("no engine with a context of " + contextLength + " tokens, a cache of "
                    + cacheTokens + " and steps of " + rows);
        }
    }

    /** Options that leave the form of latent attention to what a step takes. */
    public EngineOptions(
            int contextLength,
            int cacheTokens,
            KvType keyType,
            KvType valueType,
            KvRotation rotation,
            int rows,
            List<Double> proportions,
            List<Double> speeds,
            Split split,
            int cpuExperts) {
        this(
                contextLength,
                cacheTokens,
                keyType,
                valueType,
                rotation,
                rows,
                proportions,
                speeds,
                split,
                cpuExperts,
                LatentForm.AUTO);
    }

    /** Options with proportions, or where free memory decides. */
    public EngineOptions(
            int contextLength,
            int cacheTokens,
            KvType keyType,
            KvType valueType,
            KvRotation rotation,
            int rows,
            List<Double> proportions) {
        this(
                contextLength,
                cacheTokens,
                keyType,
                valueType,
                rotation,
                rows,
                proportions,
                List.of(),
                Split.LAYER,
                0,
                LatentForm.AUTO);
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

    /** These with another cache. */
    public EngineOptions withCacheTokens(int tokens) {
        return new EngineOptions(
                contextLength,
                tokens,
                keyType,
                valueType,
                rotation,
                rows,
                proportions,
                speeds,
                split,
                cpuExperts,
                latentForm);
    }

    /** These with another context, and a cache for as much. */
    public EngineOptions withContextLength(int tokens) {
        return new EngineOptions(
                tokens, tokens, keyType, valueType, rotation, rows, proportions, speeds, split, cpuExperts, latentForm);
    }

    /** These with other types in the cache. */
    public EngineOptions withKv(KvType keys, KvType values) {
        return new EngineOptions(
                contextLength,
                cacheTokens,
                keys,
                values,
                rotation,
                rows,
                proportions,
                speeds,
                split,
                cpuExperts,
                latentForm);
    }

    /** These with other shares of the devices. */
    public EngineOptions withSplit(List<Double> newProportions, List<Double> newSpeeds) {
        return new EngineOptions(
                contextLength,
                cacheTokens,
                keyType,
                valueType,
                rotation,
                rows,
                newProportions,
                newSpeeds,
                split,
                cpuExperts,
                latentForm);
    }

    /** These with the routed experts of so many layers, from the first on, on a device of their own. */
    public EngineOptions withCpuExperts(int layers) {
        return new EngineOptions(
                contextLength,
                cacheTokens,
                keyType,
                valueType,
                rotation,
                rows,
                proportions,
                speeds,
                split,
                layers,
                latentForm);
    }

    /** These with another way to share. */
    public EngineOptions withSplit(Split kind) {
        return new EngineOptions(
                contextLength,
                cacheTokens,
                keyType,
                valueType,
                rotation,
                rows,
                proportions,
                speeds,
                kind,
                cpuExperts,
                latentForm);
    }

    /** These with another form of attention over latent vectors. */
    public EngineOptions withLatentForm(LatentForm form) {
        return new EngineOptions(
                contextLength,
                cacheTokens,
                keyType,
                valueType,
                rotation,
                rows,
                proportions,
                speeds,
                split,
                cpuExperts,
                form);
    }

    /** These with other keys and values turned before they are stored. */
    public EngineOptions withRotation(KvRotation turned) {
        return new EngineOptions(
                contextLength,
                cacheTokens,
                keyType,
                valueType,
                turned,
                rows,
                proportions,
                speeds,
                split,
                cpuExperts,
                latentForm);
    }
}
