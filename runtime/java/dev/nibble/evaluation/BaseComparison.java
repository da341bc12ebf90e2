package dev.nibble.evaluation;

import java.util.BitSet;

/** What is noted of each counted token beside its surprise when a base model's predictions are at hand. */
final class BaseComparison {
    private final double[] surprise;
    private final double[] kl;
    private final double[] probability;
    private final BitSet sameTop = new BitSet();

    BaseComparison(int tokens) {
        surprise = new double[tokens];
        kl = new double[tokens];
        probability = new double[tokens];
    }

    /** Notes a token; many threads may, each for tokens of its own. */
    void note(int token, Prediction own, SavedPrediction base) {
        surprise[token] = -base.next();
        kl[token] = base.divergenceOf(own);
        probability[token] = Math.exp(own.next()) - Math.exp(base.next());
        if (own.top() == base.top()) {
            synchronized (sameTop) {
                sameTop.set(token);
            }
        }
    }

    /** (tokens): the base's surprise at the text's next token. */
    double[] surprise() {
        return surprise;
    }

    /** (tokens): Σ p ln(p / q). */
    double[] kl() {
        return kl;
    }

    /** (tokens): the probability of the text's next token minus the base's. */
    double[] probability() {
        return probability;
    }

    /** The number of tokens with the same likeliest token. */
    int sameTop() {
        return sameTop.cardinality();
    }
}
