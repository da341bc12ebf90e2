package dev.nibble.sampling;

/**
 * The SplitMix64 generator, written out so that a seed means the same choices on every Java version. Source: Steele,
 * Lea, Flood: Fast Splittable Pseudorandom Number Generators (OOPSLA 2014), with the mixing constants of Stafford's
 * variant 13.
 */
final class SplitMix {
    private long state;

    SplitMix(long seed) {
        state = seed;
    }

    /** The next 64 bits. */
    long nextLong() {
        state += 0x9e3779b97f4a7c15L;
        long z = state;
        z = (z ^ z >>> 30) * 0xbf58476d1ce4e5b9L;
        z = (z ^ z >>> 27) * 0x94d049bb133111ebL;
        return z ^ z >>> 31;
    }

    /** The next multiple of 2⁻⁵³ in [0, 1). */
    double nextDouble() {
        return (nextLong() >>> 11) * 0x1p-53;
    }
}
