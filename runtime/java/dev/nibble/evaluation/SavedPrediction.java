package dev.nibble.evaluation;

/**
 * A base model's distribution over the next token, as it was saved.
 *
 * @param top the likeliest token
 * @param next ln of the probability of the token that the text goes on with
 * @param step nats of a unit of {@code depths}
 * @param depths (vocabulary): unsigned, how far each token's ln p is below that of the likeliest
 */
record SavedPrediction(int top, float next, float step, short[] depths) {
    /** The Kullback–Leibler divergence of a prediction from this one: Σ p ln(p / q), p scaled to a sum of 1. */
    double divergenceOf(Prediction own) {
        float[] logits = own.logits();
        double sum = 0;
        double weighted = 0;
        for (int i = 0; i < logits.length; i++) {
            double log = -step * (double) Short.toUnsignedInt(depths[i]);
            double p = Math.exp(log);
            sum += p;
            weighted += p * (log - logits[i]);
        }
        return weighted / sum - Math.log(sum) + own.logSum();
    }
}
