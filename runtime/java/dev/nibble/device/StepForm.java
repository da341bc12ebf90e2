package dev.nibble.device;

import java.util.Set;

/**
 * The form of the steps that a model takes on a device.
 *
 * @param limits the most rows of an operation: each number that a step is made for
 * @param heads query heads of an attention
 * @param kv what a layer keeps of a token
 * @param tokens the most tokens of a sequence, in whole pages
 * @param experts experts of a layer, 0 for none
 * @param used how many of them a token uses
 */
public record StepForm(Set<Integer> limits, int heads, KvLayout kv, long tokens, int experts, int used) {
    /** Keeps its own copy of the limits. */
    public StepForm {
        limits = Set.copyOf(limits);
    }
}
