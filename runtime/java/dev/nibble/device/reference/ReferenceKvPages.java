package dev.nibble.device.reference;

import dev.nibble.device.KvLayout;
import dev.nibble.device.KvPages;
import dev.nibble.device.KvType;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** The KV cache of one layer on the Java heap. What was never written is NaN. */
final class ReferenceKvPages implements KvPages {
    private final ReferenceDevice device;
    private final KvLayout layout;
    private final int pages;
    private volatile @Nullable Content content;

    /**
     * Per page a float[], as F16 a short[], of a quantized type {@link KvBlocks}: keys (tokens, heads × keySize), values (tokens,
     * heads × valueSize).
     */
    private record Content(Object[] keys, Object[] values) {}

    ReferenceKvPages(ReferenceDevice device, KvLayout layout, int pages) {
        this.device = device;
        this.layout = layout;
        this.pages = pages;
        int tokenKeys = layout.pageTokens() * layout.heads() * layout.keySize();
        int tokenValues = layout.pageTokens() * layout.heads() * layout.valueSize();
        content = new Content(pages(layout.keyType(), pages, tokenKeys), pages(layout.valueType(), pages, tokenValues));
    }

    private static Object[] pages(KvType type, int pages, int count) {
        Object[] all = new Object[pages];
        for (int page = 0; page < pages; page++) {
            all[page] = page(type, count);
        }
        return all;
    }

    private static Object page(KvType type, int count) {
        return switch (type) {
            case F32 -> {
                float[] floats = new float[count];
                Arrays.fill(floats, Float.NaN);
                yield floats;
            }
            case F16 -> {
                short[] halves = new short[count];
                Arrays.fill(halves, Float.floatToFloat16(Float.NaN));
                yield halves;
            }
            case Q8_0, Q4_0 -> KvBlocks.of(type, count);
        };
    }

    @Override
    public KvLayout layout() {
        return layout;
    }

    @Override
    public int pages() {
        return pages;
    }

    @Override
    public long bytes() {
        return pages * layout.pageBytes();
    }

    @Override
    public void close() {
        content = null;
        device.forget(this);
    }

    ReferenceDevice device() {
        return device;
    }

    /** Stores one token's keys and values: row {@code row} of k and of v, as token {@code token} of a page. */
    void write(int page, int token, int row, float[] k, float[] v) {
        Content present = content();
        int keys = layout.heads() * layout.keySize();
        int values = layout.heads() * layout.valueSize();
        store(k, row * keys, present.keys[page], token * keys, keys);
        store(v, row * values, present.values[page], token * values, values);
    }

    private static void store(float[] source, int from, Object page, int to, int count) {
        switch (page) {
            case float[] floats -> System.arraycopy(source, from, floats, to, count);
            case short[] halves -> {
                for (int i = 0; i < count; i++) {
                    halves[to + i] = Float.floatToFloat16(source[from + i]);
                }
            }
            case KvBlocks blocks -> blocks.store(source, from, to, count);
            default -> throw new IllegalStateException();
        }
    }

    /** The key of a head of a cached token, as keySize floats. */
    void key(int page, int token, int head, float[] key) {
        load(content().keys[page], (token * layout.heads() + head) * layout.keySize(), key);
    }

    /** The value of a head of a cached token, as valueSize floats. */
    void value(int page, int token, int head, float[] value) {
        load(content().values[page], (token * layout.heads() + head) * layout.valueSize(), value);
    }

    private static void load(Object page, int from, float[] target) {
        switch (page) {
            case float[] floats -> System.arraycopy(floats, from, target, 0, target.length);
            case short[] halves -> {
                for (int i = 0; i < target.length; i++) {
                    target[i] = Float.float16ToFloat(halves[from + i]);
                }
            }
            case KvBlocks blocks -> {
                for (int i = 0; i < target.length; i++) {
                    target[i] = blocks.get(from + i);
                }
            }
            default -> throw new IllegalStateException();
        }
    }

    private Content content() {
        Content present = content;
        if (present == null) {
            throw new IllegalStateException("the KV cache is closed");
        }
        return present;
    }
}
