package dev.nibble.engine;

import dev.nibble.OutOfCapacityException;
import java.util.Locale;

/**
 * The memory that a model takes on a device, known before anything is allocated.
 *
 * @param device the device's name
 * @param weights bytes of all weights in the device's layout
 * @param kvCache bytes of the KV cache
 * @param kvKind how it stores keys and values
 * @param scratch bytes of the activations of the largest step
 * @param available bytes that the device can still give
 */
public record MemoryPlan(String device, long weights, long kvCache, String kvKind, long scratch, long available) {
    /** The sum. */
    public long total() {
        return weights + kvCache + scratch;
    }

    /** @throws OutOfCapacityException with this table if the device cannot give so much */
    public void requireFits() {
        if (total() > available) {
            throw new OutOfCapacityException("the model does not fit device " + device + ": " + this
                    + "; use a model with fewer bits per weight, a shorter context, or --kv q8_0");
        }
    }

    @Override
    public String toString() {
        return String.format(
                Locale.ROOT,
                "weights %s + KV cache %s (%s) + scratch %s = %s, available %s",
                mebibytes(weights),
                mebibytes(kvCache),
                kvKind,
                mebibytes(scratch),
                mebibytes(total()),
                mebibytes(available));
    }

    private static String mebibytes(long bytes) {
        return String.format(Locale.ROOT, "%,.1f MiB", bytes / 1048576.0);
    }
}
