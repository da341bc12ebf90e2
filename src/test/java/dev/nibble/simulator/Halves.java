package dev.nibble.simulator;

/** Encodes values of 16 bits by looking for the nearest: slow, and unlike the simulator's way. */
final class Halves {
    private Halves() {}

    /** The value of a half without sign. */
    private static double decode(int magnitude, int fractionBits, int leastExponent) {
        int exponent = magnitude >> fractionBits;
        int fraction = magnitude & (1 << fractionBits) - 1;
        return exponent == 0
                ? Math.scalb((double) fraction, leastExponent - fractionBits)
                : Math.scalb((double) fraction + (1 << fractionBits), exponent - 1 + leastExponent - fractionBits);
    }

    private static int infinity(int fractionBits, int leastExponent, int mostExponent) {
        return mostExponent - leastExponent + 2 << fractionBits;
    }

    /** The largest half that is not above a magnitude. */
    private static int below(double magnitude, int fractionBits, int leastExponent, int mostExponent) {
        int low = 0;
        int high = infinity(fractionBits, leastExponent, mostExponent);
        while (high - low > 1) {
            int middle = (low + high) / 2;
            if (decode(middle, fractionBits, leastExponent) <= magnitude) {
                low = middle;
            } else {
                high = middle;
            }
        }
        return low;
    }

    /** To the nearest, ties to even. */
    static long encode(double value, int fractionBits, int leastExponent, int mostExponent) {
        if (Double.isNaN(value)) {
            return 0x7fff;
        }
        long sign = 1 / value < 0 || value < 0 ? 0x8000 : 0;
        double magnitude = Math.abs(value);
        if (Double.isInfinite(value)) {
            return sign | infinity(fractionBits, leastExponent, mostExponent);
        }
        int low = below(magnitude, fractionBits, leastExponent, mostExponent);
        double under = magnitude - decode(low, fractionBits, leastExponent);
        double over = decode(low + 1, fractionBits, leastExponent) - magnitude;
        boolean up = under > over || under == over && (low & 1) == 1;
        return sign | (up ? low + 1 : low);
    }

    /** Towards zero. */
    static long towardsZero(double value, int fractionBits, int leastExponent, int mostExponent) {
        if (Double.isNaN(value) || Double.isInfinite(value)) {
            return encode(value, fractionBits, leastExponent, mostExponent);
        }
        long sign = 1 / value < 0 || value < 0 ? 0x8000 : 0;
        return sign | below(Math.abs(value), fractionBits, leastExponent, mostExponent);
    }
}
