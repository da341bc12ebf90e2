package dev.nibble.device;

import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Collectors;

/** How keys or values are stored in the KV cache. */
public enum KvType {
    /** 32-bit floats. */
    F32(4),
    /** 16-bit floats. */
    F16(2);

    private final int bytes;

    KvType(int bytes) {
        this.bytes = bytes;
    }

    /** Bytes of {@code count} values. */
    public long bytes(long count) {
        return count * bytes;
    }

    /** The name that options use: the lower-case name. */
    public String id() {
        return name().toLowerCase(Locale.ROOT);
    }

    /**
     * The type of this name.
     *
     * @throws IllegalArgumentException if there is none, naming those that there are
     */
    public static KvType ofId(String id) {
        for (KvType type : values()) {
            if (type.id().equals(id)) {
                return type;
            }
        }
        throw new IllegalArgumentException("no KV cache type '" + id + "'; there are "
                + Arrays.stream(values()).map(KvType::id).collect(Collectors.joining(", ")));
    }
}
