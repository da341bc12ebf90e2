package dev.nibble.evaluation;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** Made-up measurements. */
public final class Trials {
    private static final Estimate EXACT = new Estimate(2, 0.1);

    private Trials() {}

    /** The model that the others are compared with. */
    public static Trial base(long memory, double speed) {
        return trial("base", "f16", memory, speed, null);
    }

    /** A variant. */
    public static Trial variant(String name, String context, long memory, double speed, double loss) {
        Spread kl = new Spread(new Estimate(loss, loss / 10), 0, 0, 0, 0, loss, loss, loss, loss);
        return trial(
                name,
                context,
                memory,
                speed,
                new Divergence("base", EXACT, EXACT, EXACT, EXACT, 1, kl, kl, EXACT, EXACT));
    }

    private static Trial trial(
            String name, String context, long memory, double speed, @Nullable Divergence divergence) {
        Quality quality = new Quality(EXACT, 1, 64, 31, List.of(EXACT), divergence);
        return new Trial(name, context, memory / 2, memory, memory, new Speed(10 * speed, speed, 100), quality);
    }
}
