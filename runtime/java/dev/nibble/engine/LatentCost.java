package dev.nibble.engine;

import dev.nibble.model.LatentConfig;

/**
 * Which form of attention over latent vectors takes fewer multiply-adds in a step.
 *
 * <p>With a rank of L, P plain and T turned values of a query and V of a value, counted for one head: a step of n rows, which see s
 * tokens in all, of sequences that have N tokens in the cache.
 *
 * <ul>
 *   <li>Absorbed: P · L for each row to take its query to the space of latent vectors, (L + T) + L for each token that a row sees, and
 *       L · V for each row to take what it found out of that space: {@code s (2 L + T) + n (P + V) L}.
 *   <li>Materialised: L · P and L · V for each token in the cache to make its key and its value, and (P + T) + V for each token that a row
 *       sees: {@code s (P + T + V) + N (P + V) L}.
 * </ul>
 *
 * <p>With D tokens in the cache before them, n rows of one sequence see s = n D + n (n + 1) / 2, and N = D + n. The rows' own tokens then cost
 * as much in one form as in the other, and materialising wins where {@code s (2 L − P − V) > D (P + V) L}: at once if D = 0, and for
 * long contexts from {@code n = (P + V) L / (2 L − P − V)} rows on. That is 171 rows for DeepSeek's L = 512 and P = V = 128, T = 64, whatever
 * the context is, and 3.4 times less work for many more rows. A token that is decoded (n = 1) always does better absorbed but for the first
 * few of a sequence, where nothing is to be gained.
 *
 * <p>Keys and values that are made have to be written and read again, which the count leaves out: materialising must save a tenth.
 *
 * @param latent sizes
 * @param valueSize values of a head's value
 */
record LatentCost(LatentConfig latent, int valueSize) {
    private static final double LARGEST_SHARE = 0.9;

    /** Multiply-adds of a head. */
    double absorbed(long rows, double seen) {
        return seen * (2.0 * latent.rank() + latent.turned()) + rows * perToken();
    }

    /**
     * Multiply-adds of a head.
     *
     * @param tokens of the sequences of the rows, in the cache after the step
     */
    double materialised(long tokens, double seen) {
        return seen * (latent.plain() + latent.turned() + valueSize) + tokens * perToken();
    }

    private double perToken() {
        return (double) (latent.plain() + valueSize) * latent.rank();
    }

    /** Whether a step had better make keys and values. */
    boolean prefersMaterialised(long rows, double seen, long tokens) {
        return materialised(tokens, seen) <= LARGEST_SHARE * absorbed(rows, seen);
    }

    /** The least rows of any step that had better do so: a prompt's first. */
    int leastRows() {
        int rows = 1;
        while (!prefersMaterialised(rows, rows * (rows + 1) / 2.0, rows) && rows < 1 << 20) {
            rows++;
        }
        return rows;
    }
}
