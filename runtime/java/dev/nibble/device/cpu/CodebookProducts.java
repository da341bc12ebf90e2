package dev.nibble.device.cpu;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/** Weights of four bits that choose one of 16 signed bytes, stored as {@link NibbleProducts} has them. */
final class CodebookProducts {
    /** Not more than 256 bits: all processors with vectors of that width look bytes up in a register. */
    private static final VectorSpecies<Byte> BYTES =
            Lanes.BITS >= 256 ? ByteVector.SPECIES_256 : ByteVector.SPECIES_128;

    /** The values of IQ4_NL and IQ4_XS. Source: ggml. */
    private static final byte[] VALUES = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};

    private static final ByteVector TABLE = table();

    private CodebookProducts() {}

    private static ByteVector table() {
        byte[] repeated = new byte[BYTES.length()];
        for (int i = 0; i < repeated.length; i++) {
            repeated[i] = VALUES[i % VALUES.length];
        }
        return ByteVector.fromArray(BYTES, repeated, 0);
    }

    /** Looks blocks up and stores them as {@link ByteProducts} reads them. */
    static void expand(MemorySegment tile, int offset, int blocks, MemorySegment bytes) {
        ByteVector table = TABLE;
        for (int b = 0; b < blocks; b++) {
            int to = b * ByteProducts.BLOCK_BYTES;
            int from = offset + b * NibbleProducts.BLOCK_BYTES;
            for (int i = 0; i < NibbleProducts.BLOCK_BYTES; i += BYTES.vectorByteSize()) {
                ByteVector w = ByteVector.fromMemorySegment(BYTES, tile, from + i, Lanes.ORDER);
                w.and((byte) 15).selectFrom(table).intoMemorySegment(bytes, to + i, Lanes.ORDER);
                w.lanewise(VectorOperators.LSHR, 4)
                        .selectFrom(table)
                        .intoMemorySegment(bytes, to + NibbleProducts.BLOCK_BYTES + i, Lanes.ORDER);
            }
        }
    }
}
