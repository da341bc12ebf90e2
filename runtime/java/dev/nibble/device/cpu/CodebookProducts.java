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

    /** The values of IQ4_NL and IQ4_XS. Source: ggml. */
    private static final byte[] VALUES = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};

    private static final int BLOCK_BYTES = 4 * PanelWords.WORD;

    private static final ByteVector TABLE = table();

    private CodebookProducts() {}

    private static ByteVector table() {
        byte[] repeated = new byte[BYTES.length()];
        for (int i = 0; i < repeated.length; i++) {
            repeated[i] = (byte) (VALUES[i % VALUES.length] + 128);
        }
        return ByteVector.fromArray(BYTES, repeated, 0);
    }

    /** Looks a block up and stores it as {@link EightBitProducts} reads it. */
    static void expand(MemorySegment tile, int offset, MemorySegment bytes, int at) {
        ByteVector table = TABLE;
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
        multiply(ScaleForm.HALVES, tile, offset, blocks, x, block, workspace);
    }

    /** Panels of integer scales, {@link ScaleForm#BYTES}, times one token. */
    static void bytes(MemorySegment tile, int offset, int blocks, QuantizedRows x, int block, TileWorkspace workspace) {
        multiply(ScaleForm.BYTES, tile, offset, blocks, x, block, workspace);
    }

    private static void multiply(
            ScaleForm form,
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
            expand(tile, at + form.blockBytes(), workspace.bytes, b * EightBitProducts.BLOCK_BYTES);
        }
        EightBitProducts.scaledBy(workspace.scales, workspace.bytes, blocks, x, block, workspace.results);
    }
}
