package dev.nibble.device.cpu;

import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/**
 * The width of vectors that all kernels use, chosen once: what the processor prefers, at most 512 bits. The system property
 * {@code dev.nibble.cpu.vectorBits} (128, 256 or 512) is for tests.
 */
final class Lanes {
    /** Bits of a vector. */
    static final int BITS = Integer.getInteger(
            "dev.nibble.cpu.vectorBits", Math.clamp(FloatVector.SPECIES_PREFERRED.vectorBitSize(), 128, 512));

    /** Vectors of floats. */
    static final VectorSpecies<Float> FLOATS = VectorSpecies.of(float.class, VectorShape.forBitSize(BITS));

    /** Vectors of as many integers. */
    static final VectorSpecies<Integer> INTS = VectorSpecies.of(int.class, VectorShape.forBitSize(BITS));

    /** Vectors of twice as many 16-bit values, as wide. */
    static final VectorSpecies<Short> SHORTS = VectorSpecies.of(short.class, VectorShape.forBitSize(BITS));

    /** Vectors of as many 16-bit values, half as wide. */
    static final VectorSpecies<Short> HALVES = VectorSpecies.of(short.class, VectorShape.forBitSize(BITS / 2));

    /** Floats in a vector. */
    static final int COUNT = BITS / Float.SIZE;

    /** Bytes of a vector. */
    static final int BYTES = BITS / Byte.SIZE;

    /** The order of bytes in memory. */
    static final ByteOrder ORDER = ByteOrder.nativeOrder();

    private Lanes() {}
}
