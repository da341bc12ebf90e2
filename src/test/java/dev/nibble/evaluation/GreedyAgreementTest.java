package dev.nibble.evaluation;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.nibble.Generation;
import dev.nibble.GenerationOptions;
import dev.nibble.LanguageModel;
import dev.nibble.ModelOptions;
import dev.nibble.OutOfCapacityException;
import dev.nibble.Token;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Continuations are followed as far as they are the model's own. */
final class GreedyAgreementTest {
    private static int[] continuation(LanguageModel model, String prompt, int tokens) {
        GenerationOptions greedy =
                GenerationOptions.builder().greedy().maxTokens(tokens).build();
        List<Integer> ids = new ArrayList<>();
        try (Generation generation = model.generate(prompt, greedy)) {
            for (Token token : generation) {
                ids.add(token.id());
            }
        }
        return ids.stream().mapToInt(Integer::intValue).toArray();
    }

    @Test
    void theFirstDifferenceCounts() throws IOException {
        try (LanguageModel model = LanguageModel.openDemo(ModelOptions.DEFAULT)) {
            String prompt = "Anna put the red ball in the blue box.";
            int[] prefix = model.tokenize(prompt);
            int[] own = continuation(model, prompt, 24);
            assertEquals(24, own.length);
            List<GreedyItem> items = new ArrayList<>();
            items.add(new GreedyItem(prefix, own));
            for (int different : new int[] {0, 5, 23}) {
                int[] other = own.clone();
                other[different] = (other[different] + 1) % model.info().vocabulary();
                items.add(new GreedyItem(prefix, other));
            }
            GreedyAgreement agreement = GreedyAgreement.measure(model, items, done -> {});
            assertEquals(4, agreement.items());
            assertEquals(0.25, agreement.same().value());
            assertEquals((24 + 0 + 5 + 23) / 4.0, agreement.prefix().value(), 1e-12);
            assertEquals((24 + 0 + 5 + 23) / 96.0, agreement.prefixShare().value(), 1e-12);
        }
    }

    @Test
    void aPromptOfOneTokenIsEnough() throws IOException {
        try (LanguageModel model = LanguageModel.openDemo(ModelOptions.DEFAULT)) {
            int[] own = continuation(model, "", 8);
            GreedyItem item = new GreedyItem(model.tokenize(""), own);
            assertEquals(
                    1,
                    GreedyAgreement.measure(model, List.of(item), done -> {})
                            .same()
                            .value());
        }
    }

    @Test
    void whatCannotBeComparedIsRefused() throws IOException {
        try (LanguageModel model = LanguageModel.openDemo(ModelOptions.DEFAULT)) {
            assertThrows(IllegalArgumentException.class, () -> GreedyAgreement.measure(model, List.of(), done -> {}));
            assertThrows(IllegalArgumentException.class, () -> new GreedyItem(new int[0], new int[] {1}));
            assertThrows(IllegalArgumentException.class, () -> new GreedyItem(new int[] {1}, new int[0]));
            GreedyItem tooLong = new GreedyItem(new int[] {1, 5}, new int[600]);
            assertThrows(
                    OutOfCapacityException.class, () -> GreedyAgreement.measure(model, List.of(tooLong), done -> {}));
        }
    }
}
