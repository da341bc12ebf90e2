package dev.nibble.device;

/**
 * Measures what a device can reach at best, on the spot: the limits that a model's speed is judged by (the roofline model,
 * Williams, Waterman and Patterson, 2009). Machines drift, so a measurement holds for the moment; take several.
 */
public interface Roofline extends AutoCloseable {
    /** Reads more memory than caches hold, in several patterns; the bytes per second of the best of them. */
    double readBytesPerSecond();

    /** Multiplies matrices that caches hold, of several types; the multiply-adds per second of the best of them. */
    double multiplyAddsPerSecond();

    /** Frees the memory that was read; closing again does nothing. */
    @Override
    void close();
}
