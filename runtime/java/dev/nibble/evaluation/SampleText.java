package dev.nibble.evaluation;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;

/** The texts that come with the library: small stories and dialogues like those that its model was trained on. */
public final class SampleText {
    private SampleText() {}

    /** Reads the one to measure on. */
    public static String read() throws IOException {
        return read("text.txt");
    }

    /** Reads the one to calibrate with: others of the same kind. */
    public static String readCalibration() throws IOException {
        return read("calibration.txt");
    }

    private static String read(String name) throws IOException {
        try (InputStream resource = SampleText.class.getResourceAsStream(name)) {
            if (resource == null) {
                throw new IllegalStateException("the resource " + name + " is missing from the library");
            }
            return new String(resource.readAllBytes(), StandardCharsets.UTF_8);
        }
    }
}
