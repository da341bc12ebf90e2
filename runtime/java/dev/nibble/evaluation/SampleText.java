package dev.nibble.evaluation;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;

/** The text that comes with the library: small stories and dialogues like those that its model was trained on. */
public final class SampleText {
    private static final String RESOURCE = "text.txt";

    private SampleText() {}

    /** Reads it. */
    public static String read() throws IOException {
        try (InputStream resource = SampleText.class.getResourceAsStream(RESOURCE)) {
            if (resource == null) {
                throw new IllegalStateException("the resource " + RESOURCE + " is missing from the library");
            }
            return new String(resource.readAllBytes(), StandardCharsets.UTF_8);
        }
    }
}
