package dev.nibble.evaluation;

/**
 * What separates a model's predictions from those of its base, the same model in more bits.
 *
 * @param base the base's name
 * @param basePerplexity the base's perplexity on the same text
 * @param logRatio ln(perplexity / base's perplexity)
 * @param ratio perplexity / base's perplexity
 * @param difference perplexity − base's perplexity
 * @param correlation of the two models' surprise at each token, from −1 to 1
 * @param kl the Kullback–Leibler divergence from the base's distribution at each token, in nats
 * @param probability at each token, the probability of the text's next token minus the base's
 * @param probabilityRms the root mean square of these differences
 * @param sameTop the share of tokens at which both hold the same token for the likeliest
 */
public record Divergence(
        String base,
        Estimate basePerplexity,
        Estimate logRatio,
        Estimate ratio,
        Estimate difference,
        double correlation,
        Spread kl,
        Spread probability,
        Estimate probabilityRms,
        Estimate sameTop) {
    static Divergence of(String base, double[] surprise, BaseComparison comparison) {
        double[] baseSurprise = comparison.surprise();
        Estimate own = Estimate.mean(surprise);
        Estimate theirs = Estimate.mean(baseSurprise);
        double covariance = covariance(surprise, own.value(), baseSurprise, theirs.value());
        double logError =
                Math.sqrt(Math.max(0, own.error() * own.error() + theirs.error() * theirs.error() - 2 * covariance));
        Estimate logRatio = new Estimate(own.value() - theirs.value(), logError);
        return new Divergence(
                base,
                theirs.exp(),
                logRatio,
                logRatio.exp(),
                difference(own.exp(), theirs.exp(), covariance),
                covariance / (own.error() * theirs.error()),
                Spread.of(comparison.kl()),
                Spread.of(comparison.probability()),
                rootMeanSquare(comparison.probability()),
                Estimate.share(comparison.sameTop(), surprise.length));
    }

    /** The covariance of two means. */
    private static double covariance(double[] a, double meanA, double[] b, double meanB) {
        double sum = 0;
        for (int i = 0; i < a.length; i++) {
            sum += (a[i] - meanA) * (b[i] - meanB);
        }
        return sum / a.length / (a.length - 1);
    }

    private static Estimate difference(Estimate own, Estimate base, double covariance) {
        double variance =
                own.error() * own.error() + base.error() * base.error() - 2 * own.value() * base.value() * covariance;
        return new Estimate(own.value() - base.value(), Math.sqrt(Math.max(0, variance)));
    }

    private static Estimate rootMeanSquare(double[] sample) {
        double[] squares = new double[sample.length];
        for (int i = 0; i < squares.length; i++) {
            squares[i] = sample[i] * sample[i];
        }
        Estimate mean = Estimate.mean(squares);
        double root = Math.sqrt(mean.value());
        return new Estimate(root, root == 0 ? 0 : mean.error() / (2 * root));
    }
}
