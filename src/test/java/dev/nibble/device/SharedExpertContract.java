package dev.nibble.device;

import dev.nibble.device.Gating.Function;
import dev.nibble.device.Operation.Combine;
import dev.nibble.device.Operation.Route;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Route with groups and a bias of scores, and Combine with experts that every token uses. */
abstract class SharedExpertContract extends DeviceContract {
    SharedExpertContract(Subject subject) {
        super(subject);
    }

    /** Scores with a bias choose, the probabilities become weights; of groups only the best take part. */
    @ParameterizedTest
    @CsvSource({
        "SIGMOID, 256, 8, 8, 4, 2, true",
        "SIGMOID, 66, 6, 3, 2, 2, false",
        "SOFTMAX, 160, 6, 8, 3, 1, false",
        "SIGMOID, 37, 5, 1, 1, 1, true",
        "SOFTMAX, 12, 12, 4, 4, 3, true"
    })
    void routesByScoresOfGroups(
            Function function, int experts, int used, int groups, int groupsUsed, int groupBest, boolean bias) {
        verify(experts, 4, rig -> {
            RowCount rows = rig.rows(9, 9, 1, 0, 6);
            Gating gating = new Gating(function, used, true, 2.5f, groups, groupsUsed, groupBest);
            Buffer logits = rig.floats(9, experts, 2);
            Buffer biases = bias ? rig.floats(1, experts, 0.3) : null;
            rig.add(new Route(rows, gating, logits, biases, rig.integerOutput(rows, used), rig.output(rows, used)));
        });
    }

    /** What the experts add that every token uses, whole or as much as a gate says. */
    @Test
    void combinesWithSharedExperts() {
        for (int width : new int[] {1, 31, 257}) {
            verify(width, 4, rig -> {
                RowCount rows = rig.rows(6, 6, 1, 0, 5);
                Buffer x = rig.input(rows, 3 * width);
                Buffer weights = rig.input(rows, 3);
                Buffer shared = rig.input(rows, width);
                rig.add(new Combine(rows, x, weights, shared, null, rig.output(rows, width)));
                rig.add(new Combine(rows, x, weights, shared, rig.input(rows, 1), rig.output(rows, width)));
            });
        }
    }
}
