package dev.nibble.evaluation;

import static dev.nibble.evaluation.Trials.base;
import static dev.nibble.evaluation.Trials.variant;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The choice among measurements that are easy to follow. */
final class PreferenceTest {
    private static final List<Trial> TRIALS = List.of(
            base(1600, 10),
            variant("q4", "f16", 500, 40, 0.009),
            variant("q3", "f16", 400, 45, 0.04),
            variant("q2", "f16", 300, 60, 0.4),
            variant("q5", "f16", 600, 35, 0.004),
            variant("q8", "f16", 900, 20, 0.0005),
            variant("q4", "q8_0", 450, 39.5, 0.0095),
            variant("q4", "q4_0", 420, 39, 0.03));

    @ParameterizedTest
    @CsvSource({
        "BALANCE, 9999, q4, q8_0",
        "QUALITY, 9999, q8, f16",
        "SPEED, 9999, q3, f16",
        "MEMORY, 9999, q3, f16",
        "BALANCE, 449, q4, q4_0",
        "QUALITY, 899, q5, f16",
        "SPEED, 399, q2, f16",
        "QUALITY, 450, q4, q8_0"
    })
    void choosesByItsRule(Preference preference, long limit, String weights, String context) {
        Trial chosen = preference.choose(TRIALS, limit).orElseThrow();
        assertEquals(weights + " " + context, chosen.name() + " " + chosen.context());
    }

    @Test
    void nothingThatDoesNotFitIsChosen() {
        for (Preference preference : Preference.values()) {
            assertEquals(Optional.empty(), preference.choose(TRIALS, 299));
        }
    }

    @Test
    void theBaseIsChosenWhereQuantizingGainsNothing() {
        List<Trial> trials = List.of(base(1000, 50), variant("q4", "f16", 600, 20, 0.001));
        Trial chosen = Preference.SPEED.choose(trials, 2000).orElseThrow();
        assertTrue(chosen.isBase());
        assertTrue(Preference.SPEED.reason(trials, 2000, chosen).contains("gain nothing"));
    }

    @Test
    void reasonsGiveTheNumbers() {
        Trial q4 = TRIALS.get(1);
        assertEquals(
                "of 8 that were measured, 5 fit the memory; 2 of them lose at most 0.01 nats, and this is the fastest of"
                        + " those",
                Preference.BALANCE.reason(TRIALS, 550, q4));
        assertTrue(Preference.BALANCE.reason(TRIALS, 350, TRIALS.get(3)).contains("none loses as little as 0.01 nats"));
        assertTrue(Preference.QUALITY.reason(TRIALS, Long.MAX_VALUE, q4).startsWith("8 were measured"));
    }

    /** Against the definition: nothing on the front is beaten, and everything else is, by something on it. */
    @Test
    void theFrontIsWhatNothingBeats() {
        TuningReport report = report(TRIALS);
        List<Trial> front = report.front(Trial::loss);
        assertEquals(
                List.of("q2 f16", "q3 f16", "q4 q4_0", "q4 q8_0", "q4 f16", "q5 f16", "q8 f16", "base f16"),
                names(front));
        List<Trial> fast = report.front(trial -> -trial.speed().generation());
        assertEquals(List.of("q2 f16"), names(fast));
        List<Trial> more = new ArrayList<>(TRIALS);
        more.add(variant("worse", "f16", 601, 35, 0.0041));
        assertEquals(names(front), names(report(more).front(Trial::loss)));
    }

    private static TuningReport report(List<Trial> trials) {
        return new TuningReport(
                "m", "cpu", 1, Long.MAX_VALUE, Preference.BALANCE, List.of(), trials, trials.getFirst(), "");
    }

    private static List<String> names(List<Trial> trials) {
        return trials.stream()
                .map(trial -> trial.name() + " " + trial.context())
                .toList();
    }
}
