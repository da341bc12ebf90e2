package dev.nibble.device.cpu;

import dev.nibble.gguf.TensorType;
import java.util.Optional;

/**
 * How weights lie in memory: one row per type whose integers are multiplied as they are. A tile is 32 rows; along its columns it
 * is cut into panels of 256 (the last may be shorter), each with its scales followed by its integers, so that a product reads
 * one forward stream.
 */
enum TileLayout {
    Q4_0(ScaleForm.HALVES, QuantForm.FOUR_BITS_AROUND_8, FilePacking::q4WithScale),
    Q4_1(ScaleForm.HALVES_AND_OFFSETS, QuantForm.FOUR_BITS, FilePacking::q4WithScaleAndOffset),
    Q5_0(ScaleForm.HALVES, QuantForm.FIVE_BITS_AROUND_16, FilePacking::q5WithScale),
    Q5_1(ScaleForm.HALVES_AND_OFFSETS, QuantForm.FIVE_BITS, FilePacking::q5WithScaleAndOffset),
    Q8_0(ScaleForm.HALVES, QuantForm.EIGHT_BITS, FilePacking::q8WithScale),
    Q2_K(ScaleForm.NIBBLES_OF_HALF_BLOCKS, QuantForm.TWO_BITS, FilePacking::q2k),
    Q3_K(ScaleForm.SIX_BITS_OF_HALF_BLOCKS, QuantForm.THREE_BITS_AROUND_4, FilePacking::q3k),
    Q4_K(ScaleForm.BYTES_AND_MINIMA, QuantForm.FOUR_BITS, FilePacking::q4k),
    Q5_K(ScaleForm.BYTES_AND_MINIMA, QuantForm.FIVE_BITS, FilePacking::q5k),
    Q6_K(ScaleForm.BYTES_OF_HALF_BLOCKS, QuantForm.SIX_BITS_AROUND_32, FilePacking::q6k),
    IQ4_NL(ScaleForm.HALVES, QuantForm.CODEBOOK, FilePacking::q4WithScale),
    IQ4_XS(ScaleForm.BYTES, QuantForm.CODEBOOK, FilePacking::iq4xs);

    private final ScaleForm scales;
    private final QuantForm quants;
    private final FilePacking.RowPacker packer;

    TileLayout(ScaleForm scales, QuantForm quants, FilePacking.RowPacker packer) {
        this.scales = scales;
        this.quants = quants;
        this.packer = packer;
    }

    /** The layout of a type; empty for a type that is decoded on the fly. */
    static Optional<TileLayout> of(TensorType type) {
        return switch (type) {
            case Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q2_K, Q3_K, Q4_K, Q5_K, Q6_K, IQ4_NL, IQ4_XS ->
                Optional.of(valueOf(type.name()));
            default -> Optional.empty();
        };
    }

    ScaleForm scales() {
        return scales;
    }

    QuantForm quants() {
        return quants;
    }

    FilePacking.RowPacker packer() {
        return packer;
    }

    /** Where the integers begin in a panel of {@code blocks} blocks of 32 columns. */
    int scaleBytes(int blocks) {
        return scales.lines(blocks) * PanelWords.LINE;
    }

    /** Bytes of a panel of {@code blocks} blocks of 32 columns. */
    int panelBytes(int blocks) {
        return scaleBytes(blocks) + quants.bytes(blocks);
    }
}
