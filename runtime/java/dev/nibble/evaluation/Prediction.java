package dev.nibble.evaluation;

/**
 * A model's distribution over the next token.
 *
 * @param logits (vocabulary)
 * @param logSum ln Σ exp(logit)
 * @param top the likeliest token, the lower one among equals
 * @param next ln of the probability of the token that the text goes on with
 */
record Prediction(float[] logits, double logSum, int top, double next) {
    static Prediction of(float[] logits, int nextToken) {
        int top = top(logits);
        double most = logits[top];
        double sum = 0;
        for (float logit : logits) {
            sum += Math.exp(logit - most);
        }
        double logSum = most + Math.log(sum);
        return new Prediction(logits, logSum, top, logits[nextToken] - logSum);
    }

    /** The place of the largest logit, the lower one among equals. */
    static int top(float[] logits) {
        int top = 0;
        for (int i = 1; i < logits.length; i++) {
            if (logits[i] > logits[top]) {
                top = i;
            }
        }
        return top;
    }

    /** The probabilities are numbers. */
    boolean isValid() {
        return Double.isFinite(logSum);
    }
}
