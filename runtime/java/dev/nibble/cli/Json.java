package dev.nibble.cli;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.json.JsonMapper;

/** JSON for programs, in and out. */
public final class Json {
    private static final JsonMapper MAPPER = JsonMapper.builder()
            .disable(SerializationFeature.FAIL_ON_EMPTY_BEANS)
            .build();

    private Json() {}

    /** Maps, lists, arrays, strings, numbers, booleans and null as one line of JSON. */
    public static String write(Object value) {
        return MAPPER.writeValueAsString(value);
    }

    /** A map that keeps the order of its keys: key, value, key, value … */
    public static Map<String, Object> object(Object... keysAndValues) {
        Map<String, Object> object = new LinkedHashMap<>();
        for (int i = 0; i < keysAndValues.length; i += 2) {
            object.put((String) keysAndValues[i], keysAndValues[i + 1]);
        }
        return object;
    }

    /**
     * Reads a JSON file.
     *
     * @throws IOException if there is no such file, or if its content is not of this type
     */
    static <T> T read(Path file, Class<T> type, String expected) throws IOException {
        return parse(new String(Files.readAllBytes(file), StandardCharsets.UTF_8), type, file.toString(), expected);
    }

    /**
     * Parses JSON.
     *
     * @param place where it stands, for messages
     * @throws IOException if it is not of this type
     */
    static <T> T parse(String text, Class<T> type, String place, String expected) throws IOException {
        try {
            T value = MAPPER.readValue(text, type);
            if (value == null) {
                throw new IOException(place + ": null is not " + expected);
            }
            return value;
        } catch (JacksonException e) {
            throw new IOException(place + " is not " + expected + ": " + e.getOriginalMessage(), e);
        }
    }
}
