package dev.nibble.device.cpu;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/** Weights of four bits that choose one of 16 signed bytes, stored as {@link FourBitProducts} has them. */
final class CodebookProducts {
    /** Not more than 256 bits: all processors with vectors of that width look bytes up in a register. */
    private static final VectorSpecies<Byte> BYTES =
            Lanes.BITS >= 256 ? ByteVector.SPECIES_256 : ByteVector.SPECIES_128;

    private static final int BLOCK_BYTES = 4 * PanelWords.WORD;

    /** The values of IQ4_NL and IQ4_XS. Source: ggml. */
    static final ByteVector NONLINEAR = table(-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113);

    /** The values of MXFP4, times 2. Source: OCP Microscaling Formats 1.0. */
    static final ByteVector E2M1 = table(0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12);

    private CodebookProducts() {}

    private static ByteVector table(int... values) {
        byte[] repeated = new byte[BYTES.length()];
        for (int i = 0; i < repeated.length; i++) {
            repeated[i] = (byte) (values[i % values.length] + 128);
        }
        return ByteVector.fromArray(BYTES, repeated, 0);
    }

    /** Looks a block up and stores it as {@link EightBitProducts} reads it. */
    static void expand(ByteVector table, MemorySegment tile, int offset, MemorySegment bytes, int at) {
        for (int i = 0; i < BLOCK_BYTES; i += BYTES.vectorByteSize()) {
            ByteVector w = ByteVector.fromMemorySegment(BYTES, tile, offset + i, Lanes.ORDER);
            w.and((byte) 15).selectFrom(table).intoMemorySegment(bytes, at + i, Lanes.ORDER);
            w.lanewise(VectorOperators.LSHR, 4)
                    .selectFrom(table)
                    .intoMemorySegment(bytes, at + BLOCK_BYTES + i, Lanes.ORDER);
        }
    }

    /** Panels of half precision scales, {@link ScaleForm#HALVES}, times one token. */
    static void halves(
            MemorySegment tile, int offset, int blocks, QuantizedRows x, int block, TileWorkspace workspace) {
        multiply(ScaleForm.HALVES, NONLINEAR, tile, offset, blocks, x, block, workspace);
    }

    /** Panels of integer scales, {@link ScaleForm#BYTES}, times one token. */
    static void bytes(MemorySegment tile, int offset, int blocks, QuantizedRows x, int block, TileWorkspace workspace) {
        multiply(ScaleForm.BYTES, NONLINEAR, tile, offset, blocks, x, block, workspace);
    }

    /** Panels of exponents, {@link ScaleForm#EXPONENTS}, times one token. */
    static void exponents(
            MemorySegment tile, int offset, int blocks, QuantizedRows x, int block, TileWorkspace workspace) {
        multiply(ScaleForm.EXPONENTS, E2M1, tile, offset, blocks, x, block, workspace);
    }

    private static void multiply(
            ScaleForm form,
            ByteVector table,
            MemorySegment tile,
            int offset,
            int blocks,
            QuantizedRows x,
            int block,
            TileWorkspace workspace) {
        int blockBytes = form.blockBytes() + BLOCK_BYTES;
        form.decodeHeader(tile, offset, workspace);
        for (int b = 0; b < blocks; b++) {
            int at = offset + form.headerBytes() + b * blockBytes;
            form.decode(tile, offset, at, b, workspace);
            expand(table, tile, at + form.blockBytes(), workspace.bytes, b * EightBitProducts.BLOCK_BYTES);
        }
        EightBitProducts.scaledBy(workspace.scales, workspace.bytes, blocks, x, block, workspace.results);
    }
}
