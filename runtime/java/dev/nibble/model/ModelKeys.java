package dev.nibble.model;

import dev.nibble.gguf.Metadata;

/**
 * The metadata keys of one architecture, checked as they are read.
 *
 * @param prefix of the keys: {@code llama.}
 */
record ModelKeys(Metadata metadata, String prefix) {
    private static final int MOST = 1 << 24;

    boolean has(String key) {
        return metadata.contains(prefix + key);
    }

    int positive(String key) {
        int value = metadata.requireInt(prefix + key);
        if (value < 1 || value > MOST) {
            throw invalid(key, value + " is not from 1 to " + MOST);
        }
        return value;
    }

    int positiveOr(String key, int absent) {
        return has(key) ? positive(key) : absent;
    }

    /** A number of things that there may be none of, at most {@code most}. */
    int countOr(String key, int absent, int most) {
        int value = metadata.intOr(prefix + key, absent);
        if (value < 0 || value > most) {
            throw invalid(key, value + " is not from 0 to " + most);
        }
        return value;
    }

    RuntimeException invalid(String key, String message) {
        return metadata.invalid(prefix + key, message);
    }
}
