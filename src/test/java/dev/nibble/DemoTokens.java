package dev.nibble;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/** The most likely tokens after a prompt, by the demo model on the CPU: what other devices are to find. */
final class DemoTokens {
    static final String PROMPT = "Once upon a time";
    static final int COUNT = 12;

    private DemoTokens() {}

    static int vocabulary() throws IOException {
        try (LanguageModel model = open()) {
            return model.info().vocabulary();
        }
    }

    private static LanguageModel open() throws IOException {
        return LanguageModel.openDemo(
                ModelOptions.builder().devices("cpu").threads(1).build());
    }

    /** So many tokens. */
    static List<Integer> expected() throws IOException {
        try (LanguageModel model = open();
                TokenSession session = model.session()) {
            session.feed(model.tokenize(PROMPT));
            List<Integer> tokens = new ArrayList<>();
            for (int i = 0; i < COUNT; i++) {
                tokens.add(largest(session.logits()));
                session.feed(tokens.getLast());
            }
            return tokens;
        }
    }

    static int largest(float[] values) {
        int best = 0;
        for (int i = 0; i < values.length; i++) {
            best = values[i] > values[best] ? i : best;
        }
        return best;
    }
}
