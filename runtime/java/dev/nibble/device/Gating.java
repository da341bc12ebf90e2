package dev.nibble.device;

/**
 * How a router's logits become the experts of a row and their weights.
 *
 * <p>Experts are ranked by their score: the probability, and a bias if {@link Operation.Route} has one. Where experts stand in groups of
 * neighbours, a group's score is the sum of the scores of its {@code groupBest} best experts, and only the {@code groupsUsed} groups of
 * the largest scores take part, the lower one first among equals (DeepSeek-AI, 2024).
 *
 * @param function what turns logits into probabilities
 * @param used experts per row
 * @param normalize whether the chosen weights are divided by their sum
 * @param scale a factor on the chosen weights
 * @param groups groups of neighbouring experts, all of one size
 * @param groupsUsed groups that experts are chosen from
 * @param groupBest experts that make up a group's score
 */
public record Gating(
        Function function, int used, boolean normalize, float scale, int groups, int groupsUsed, int groupBest) {
    /** What is added to the sum that weights are divided by, so that it is not zero. */
    public static final float LEAST_SUM = 1e-20f;

    /** What turns logits into probabilities. */
    public enum Function {
        /** Over all experts of the row. */
        SOFTMAX,
        /** Each expert for itself. */
        SIGMOID
    }

    /** Checks the groups. */
    public Gating {
        if (groups < 1 || groupsUsed < 1 || groupsUsed > groups || groupBest < 1) {
            throw new IllegalArgumentException(
                    "no choice from " + groupsUsed + " of " + groups + " groups by their " + groupBest + " best");
        }
    }

    /** A choice from all experts. */
    public Gating(Function function, int used, boolean normalize, float scale) {
        this(function, used, normalize, scale, 1, 1, 1);
    }

    /** Whether experts are chosen from some of their groups only. */
    public boolean isGrouped() {
        return groupsUsed < groups;
    }
}
