package dev.nibble.device.cpu;

import dev.nibble.gguf.TensorType;
import java.util.Optional;

/**
 * How weights lie in memory: one row per type whose products are sums of integers. A tile is 32 rows; along its columns it
 * is cut into panels of 256 (the last may be shorter), and these into blocks of 32, each with its scales followed by its integers,
 * so that a product reads one forward stream.
 */
enum TileLayout {
    Q4_0(ScaleForm.HALVES, QuantForm.FOUR_BITS, FilePacking::q4WithScale, FourBitProducts::halves),
    Q4_1(
            ScaleForm.HALVES_AND_OFFSETS,
            QuantForm.FOUR_BITS,
            FilePacking::q4WithScaleAndOffset,
            FourBitProducts::halvesAndOffsets),
    Q5_0(ScaleForm.HALVES, QuantForm.FIVE_BITS, FilePacking::q5WithScale, FiveBitProducts::halves),
    Q5_1(
            ScaleForm.HALVES_AND_OFFSETS,
            QuantForm.FIVE_BITS,
            FilePacking::q5WithScaleAndOffset,
            FiveBitProducts::halvesAndOffsets),
    Q8_0(ScaleForm.HALVES, QuantForm.EIGHT_BITS, FilePacking::q8WithScale, EightBitProducts::halves),
    Q2_K(
            ScaleForm.NIBBLES_OF_HALF_BLOCKS,
            QuantForm.TWO_BITS,
            SuperBlockPacking::q2k,
            TwoBitProducts::nibblesOfHalfBlocks),
    Q3_K(
            ScaleForm.BYTES_OF_HALF_BLOCKS,
            QuantForm.THREE_BITS,
            SuperBlockPacking::q3k,
            ThreeBitProducts::bytesOfHalfBlocks),
    Q4_K(ScaleForm.BYTES_AND_MINIMA, QuantForm.FOUR_BITS, SuperBlockPacking::q4k, FourBitProducts::bytesAndMinima),
    Q5_K(ScaleForm.BYTES_AND_MINIMA, QuantForm.FIVE_BITS, SuperBlockPacking::q5k, FiveBitProducts::bytesAndMinima),
    Q6_K(ScaleForm.BYTES_OF_HALF_BLOCKS, QuantForm.SIX_BITS, SuperBlockPacking::q6k, SixBitProducts::bytesOfHalfBlocks),
    IQ4_NL(ScaleForm.HALVES, QuantForm.CODEBOOK, FilePacking::q4WithScale, CodebookProducts::halves),
    IQ4_XS(ScaleForm.BYTES, QuantForm.CODEBOOK, SuperBlockPacking::iq4xs, CodebookProducts::bytes),
    MXFP4(ScaleForm.EXPONENTS, QuantForm.E2M1, FilePacking::mxfp4, CodebookProducts::exponents),
    IQ1_S(GridForm.IQ1_S, GridPacking::iq1s),
    IQ1_M(GridForm.IQ1_M, GridPacking::iq1m),
    IQ2_XXS(GridForm.IQ2_XXS, GridPacking::iq2xxs),
    IQ2_XS(GridForm.IQ2_XS, GridPacking::iq2xs),
    IQ2_S(GridForm.IQ2_S, GridPacking::iq2s),
    IQ3_XXS(GridForm.IQ3_XXS, GridPacking::iq3xxs),
    IQ3_S(GridForm.IQ3_S, GridPacking::iq3s);

    private final PanelForm form;
    private final FilePacking.RowPacker packer;
    private final TokenProduct oneToken;

    TileLayout(ScaleForm scales, QuantForm quants, FilePacking.RowPacker packer, TokenProduct oneToken) {
        this(new ScaledIntegers(scales, quants), packer, oneToken);
    }

    TileLayout(GridForm form, FilePacking.RowPacker packer) {
        this(form, packer, form::multiply);
    }

    TileLayout(PanelForm form, FilePacking.RowPacker packer, TokenProduct oneToken) {
        this.form = form;
        this.packer = packer;
        this.oneToken = oneToken;
    }

    /** The layout of a type; empty for a type that is decoded on the fly. */
    static Optional<TileLayout> of(TensorType type) {
        return switch (type) {
            case Q4_0,
                    Q4_1,
                    Q5_0,
                    Q5_1,
                    Q8_0,
                    Q2_K,
                    Q3_K,
                    Q4_K,
                    Q5_K,
                    Q6_K,
                    IQ4_NL,
                    IQ4_XS,
                    MXFP4,
                    IQ1_S,
                    IQ1_M,
                    IQ2_XXS,
                    IQ2_XS,
                    IQ2_S,
                    IQ3_XXS,
                    IQ3_S -> Optional.of(valueOf(type.name()));
            default -> Optional.empty();
        };
    }

    /** How panels are stored. */
    PanelForm form() {
        return form;
    }

    FilePacking.RowPacker packer() {
        return packer;
    }

    /** The product with one token. */
    TokenProduct oneToken() {
        return oneToken;
    }

    /** Bytes of a panel of {@code blocks} blocks of 32 columns. */
    int panelBytes(int blocks) {
        return form.headerBytes() + blocks * form.blockBytes();
    }
}
