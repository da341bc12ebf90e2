package dev.nibble.model;

import dev.nibble.UnsupportedFeatureException;
import dev.nibble.device.Gating;
import org.jspecify.annotations.Nullable;

/**
 * The expert feed-forward layers of a model.
 *
 * @param count experts in a layer
 * @param feedForward the inner width of one expert
 * @param gating how a token's experts are chosen
 * @param shared the inner width of the experts that every token uses, all together; 0: there are none
 * @param sharedGate whether what those add is gated by the token
 * @param denseLayers layers at the beginning that have no experts
 */
public record ExpertConfig(int count, int feedForward, Gating gating, int shared, boolean sharedGate, int denseLayers) {
    private static final int SOFTMAX = 1;
    private static final int SIGMOID = 2;

    /** Experts whose scores make up a group's, where the best of a group alone does not. */
    private static final int BEST_OF_GROUP = 2;

    /** Experts that each token chooses. */
    public int used() {
        return gating.used();
    }

    /** These with other inner columns: those of a part of each layer. */
    ExpertConfig withColumns(int columns, int sharedColumns) {
        return new ExpertConfig(count, columns, gating, sharedColumns, sharedGate, denseLayers);
    }

    static @Nullable ExpertConfig of(ModelKeys keys, Architecture architecture, int layers) {
        int count = keys.countOr("expert_count", 0, 1 << 16);
        if (count == 0) {
            return null;
        }
        int feedForward = keys.positive(
                keys.has("expert_feed_forward_length") ? "expert_feed_forward_length" : "feed_forward_length");
        int shared = keys.countOr("expert_shared_count", 0, 1 << 10) * feedForward;
        shared = keys.countOr("expert_shared_feed_forward_length", shared, 1 << 24);
        return new ExpertConfig(
                count,
                feedForward,
                gating(keys, architecture, count),
                shared,
                shared > 0 && architecture.sharedGate(),
                keys.countOr("leading_dense_block_count", 0, layers));
    }

    private static Gating gating(ModelKeys keys, Architecture architecture, int count) {
        int used = keys.positive("expert_used_count");
        if (used > count) {
            throw keys.invalid("expert_used_count", used + " of " + count + " experts");
        }
        Gating.Function function = function(keys, architecture);
        int groups = Math.max(1, keys.countOr("expert_group_count", 1, count));
        int groupsUsed = groups == 1 ? 1 : keys.countOr("expert_group_used_count", groups, groups);
        if (count % groups != 0 || groupsUsed * (count / groups) < used) {
            throw keys.invalid(
                    "expert_group_count",
                    count + " experts in " + groups + " groups, of which " + groupsUsed + " are used, do not give the "
                            + used + " that a token uses");
        }
        return new Gating(
                function,
                used,
                keys.metadata().boolOr(keys.prefix() + "expert_weights_norm", architecture.normalizesExperts()),
                scale(keys),
                groups,
                groupsUsed,
                function == Gating.Function.SIGMOID ? Math.min(BEST_OF_GROUP, count / groups) : 1);
    }

    /** Zero stands for none. */
    private static float scale(ModelKeys keys) {
        float scale = keys.metadata().floatOr(keys.prefix() + "expert_weights_scale", 1f);
        return scale == 0 ? 1 : scale;
    }

    private static Gating.Function function(ModelKeys keys, Architecture architecture) {
        int function = keys.countOr("expert_gating_func", 0, Integer.MAX_VALUE);
        return switch (function) {
            case 0 -> architecture.gating();
            case SOFTMAX -> Gating.Function.SOFTMAX;
            case SIGMOID -> Gating.Function.SIGMOID;
            default ->
                throw new UnsupportedFeatureException("the choice of experts number " + function + " (" + keys.prefix()
                        + "expert_gating_func) is not supported; softmax (1) and sigmoid (2) are");
        };
    }
}
