package dev.nibble.device;

/**
 * How a router's logits become the experts of a row and their weights.
 *
 * @param function what turns logits into probabilities
 * @param used experts per row
 * @param normalize whether the chosen weights are divided by their sum
 * @param scale a factor on the chosen weights
 */
public record Gating(Function function, int used, boolean normalize, float scale) {
    /** What turns logits into probabilities. */
    public enum Function {
        /** Over all experts of the row. */
        SOFTMAX,
        /** Each expert for itself. */
        SIGMOID
    }
}
