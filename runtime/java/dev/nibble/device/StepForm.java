package dev.nibble.device;

import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The form of the steps that a model takes on a device.
 *
 * @param limits the most rows of an operation: each number that a step is made for
 * @param heads query heads of an attention
 * @param kv what a layer keeps of a token
 * @param tokens the most tokens of a sequence, in whole pages
 * @param experts experts of a layer, 0 for none
 * @param used how many of them a token uses
 * @param tile of attention over tiles of tokens; none if there is none
 */
public record StepForm(
        Set<Integer> limits,
        int heads,
        KvLayout kv,
        long tokens,
        int experts,
        int used,
        @Nullable Tile tile) {
    /**
     * Attention over tiles.
     *
     * @param kv what a tile keeps of a token
     * @param tokens of a tile, in whole pages
     * @param leastRows operations with fewer rows have none
     */
    public record Tile(KvLayout kv, long tokens, int leastRows) {}

    /** Without tiles. */
    public StepForm(Set<Integer> limits, int heads, KvLayout kv, long tokens, int experts, int used) {
        this(limits, heads, kv, tokens, experts, used, null);
    }

    /** Keeps its own copy of the limits. */
    public StepForm {
        limits = Set.copyOf(limits);
    }
}
