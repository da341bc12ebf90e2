package dev.nibble.device;

import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Collectors;

/**
 * Whether keys and values are turned by {@link Operation.Hadamard} before they are written to the KV cache. Queries are turned
 * like keys, which leaves their products as they are; the output of attention is turned back.
 *
 * <p>It helps where a few of a head's values stand out, as they do in keys of large models: they set the scale of their block, and the
 * others are left with few steps. It helps more with 4 bits than with 8, where there are steps enough unless a value stands out far.
 *
 * <p>It does not help models with attention sinks: there it is a token that stands out, not a value, and a small error in its score
 * moves the weights of all others. Such models keep their quality with f16 only.
 */
public enum KvRotation {
    /** Those of quantized types. */
    AUTO,
    /** Neither. */
    OFF,
    /** Keys, of whatever type. */
    KEYS,
    /** Values, of whatever type. */
    VALUES,
    /** Both, of whatever type. */
    BOTH;

    /** Whether keys of this type are turned. */
    public boolean turnsKeys(KvType type) {
        return this == KEYS || this == BOTH || this == AUTO && type.isQuantized();
    }

    /** Whether values of this type are turned. */
    public boolean turnsValues(KvType type) {
        return this == VALUES || this == BOTH || this == AUTO && type.isQuantized();
    }

    /** How keys and values are stored, in words: {@code keys q8_0 rotated, values f16}. */
    public String describe(KvLayout layout) {
        return "keys " + layout.keyType().id() + (turnsKeys(layout.keyType()) ? " rotated" : "") + ", values "
                + layout.valueType().id() + (turnsValues(layout.valueType()) ? " rotated" : "");
    }

    /** The name that options use: the lower-case name. */
    public String id() {
        return name().toLowerCase(Locale.ROOT);
    }

    /**
     * The choice of this name.
     *
     * @throws IllegalArgumentException if there is none, naming those that there are
     */
    public static KvRotation ofId(String id) {
        for (KvRotation rotation : values()) {
            if (rotation.id().equals(id)) {
                return rotation;
            }
        }
        throw new IllegalArgumentException("no rotation '" + id + "' of a KV cache; there are "
                + Arrays.stream(values()).map(KvRotation::id).collect(Collectors.joining(", ")));
    }
}
