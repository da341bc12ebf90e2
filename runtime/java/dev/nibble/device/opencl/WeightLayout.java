package dev.nibble.device.opencl;

import static dev.nibble.device.opencl.LegacyReader.Form.EIGHT_BITS;
import static dev.nibble.device.opencl.LegacyReader.Form.FIVE_BITS;
import static dev.nibble.device.opencl.LegacyReader.Form.FIVE_BITS_AND_OFFSET;
import static dev.nibble.device.opencl.LegacyReader.Form.FOUR_BITS;
import static dev.nibble.device.opencl.LegacyReader.Form.FOUR_BITS_AND_EXPONENT;
import static dev.nibble.device.opencl.LegacyReader.Form.FOUR_BITS_AND_OFFSET;

import dev.nibble.UnsupportedFeatureException;
import dev.nibble.device.WeightShape;
import dev.nibble.gguf.TensorType;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** How weights lie in device memory, one row per tensor type: {@code opencl-kernels/blocks.cl} and {@code floats.cl}. */
enum WeightLayout {
    F32(TensorType.F32),
    F16(TensorType.F16),
    BF16(TensorType.BF16),
    Q4_0(TensorType.Q4_0, 4, 0, 8, ScaleForm.HALVES, new LegacyReader(18, FOUR_BITS)),
    Q4_1(TensorType.Q4_1, 4, 0, 0, ScaleForm.HALVES_AND_OFFSETS, new LegacyReader(20, FOUR_BITS_AND_OFFSET)),
    Q5_0(TensorType.Q5_0, 4, 1, 16, ScaleForm.HALVES, new LegacyReader(22, FIVE_BITS)),
    Q5_1(TensorType.Q5_1, 4, 1, 0, ScaleForm.HALVES_AND_OFFSETS, new LegacyReader(24, FIVE_BITS_AND_OFFSET)),
    Q8_0(TensorType.Q8_0, 8, 0, 128, ScaleForm.HALVES, new LegacyReader(34, EIGHT_BITS)),
    Q2_K(TensorType.Q2_K, 2, 0, 0, ScaleForm.NIBBLES_OF_HALF_BLOCKS, SuperBlockReader.Q2_K),
    Q3_K(TensorType.Q3_K, 2, 1, 4, ScaleForm.SIX_BITS_OF_HALF_BLOCKS, SuperBlockReader.Q3_K),
    Q4_K(TensorType.Q4_K, 4, 0, 0, ScaleForm.BYTES_AND_MINIMA, SuperBlockReader.Q4_K),
    Q5_K(TensorType.Q5_K, 4, 1, 0, ScaleForm.BYTES_AND_MINIMA, SuperBlockReader.Q5_K),
    Q6_K(TensorType.Q6_K, 4, 2, 32, ScaleForm.BYTES_OF_HALF_BLOCKS, SuperBlockReader.Q6_K),
    IQ4_NL(TensorType.IQ4_NL, 4, 0, Codes.NONLINEAR, 1, ScaleForm.HALVES, new LegacyReader(18, FOUR_BITS)),
    IQ4_XS(TensorType.IQ4_XS, 4, 0, Codes.NONLINEAR, 1, ScaleForm.BYTES, SuperBlockReader.IQ4_XS),
    MXFP4(
            TensorType.MXFP4,
            4,
            0,
            Codes.TWICE_E2M1,
            0.5f,
            ScaleForm.EXPONENTS,
            new LegacyReader(17, FOUR_BITS_AND_EXPONENT)),
    TQ2_0(TensorType.TQ2_0, 2, 0, 1, ScaleForm.HALVES_OF_PANELS, SuperBlockReader.TQ2_0),
    TQ1_0(TensorType.TQ1_0, PackedReader.TQ1_0),
    IQ1_S(TensorType.IQ1_S, PackedReader.IQ1_S),
    IQ1_M(TensorType.IQ1_M, PackedReader.IQ1_M),
    IQ2_XXS(TensorType.IQ2_XXS, PackedReader.IQ2_XXS),
    IQ2_XS(TensorType.IQ2_XS, PackedReader.IQ2_XS),
    IQ2_S(TensorType.IQ2_S, PackedReader.IQ2_S),
    IQ3_XXS(TensorType.IQ3_XXS, PackedReader.IQ3_XXS),
    IQ3_S(TensorType.IQ3_S, PackedReader.IQ3_S);

    private static final Map<TensorType, WeightLayout> BY_TYPE = new EnumMap<>(TensorType.class);

    static {
        for (WeightLayout layout : values()) {
            BY_TYPE.put(layout.type, layout);
        }
    }

    /** Codebooks. */
    private static final class Codes {
        /** IQ4_NL and IQ4_XS. Source: ggml. */
        static final int[] NONLINEAR = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};

        /** Twice the values of a sign bit, two exponent bits and a mantissa bit. */
        static final int[] TWICE_E2M1 = {0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};

        /** What codes are stored with: it makes them positive. */
        static final int ZERO = 128;

        /** Eight codes as the bytes of a word. */
        static String word(int[] codes, int from) {
            long word = 0;
            for (int i = from; i < Math.min(from + 8, codes.length); i++) {
                word |= (long) (codes[i] + ZERO) << 8 * (i - from);
            }
            return "0x" + Long.toHexString(word) + "UL";
        }
    }

    private final TensorType type;
    private final int lowBits;
    private final int highBits;
    private final int words;
    private final int headerBytes;
    private final int scaleBytes;
    private final @Nullable BlockReader reader;
    private final String options;

    /** Floats. */
    WeightLayout(TensorType type) {
        this.type = type;
        this.lowBits = 0;
        this.highBits = 0;
        this.words = 0;
        this.headerBytes = 0;
        this.scaleBytes = 0;
        this.reader = null;
        this.options = "-DFLOATS=" + type;
    }

    /** Integers, of which {@code zero} means 0. */
    WeightLayout(TensorType type, int lowBits, int highBits, int zero, ScaleForm scales, BlockReader reader) {
        this(type, lowBits, highBits, scales, reader, " -DZERO=" + zero);
    }

    /** Numbers in a codebook. */
    WeightLayout(
            TensorType type, int lowBits, int highBits, int[] codes, float unit, ScaleForm scales, BlockReader reader) {
        this(
                type,
                lowBits,
                highBits,
                scales,
                reader,
                " -DZERO=" + Codes.ZERO + " -DCODES_LOW=" + Codes.word(codes, 0) + " -DCODES_HIGH="
                        + Codes.word(codes, 8) + (unit == 1 ? "" : " -DUNIT=" + unit + "f"));
    }

    /** What stays packed. */
    WeightLayout(TensorType type, PackedReader reader) {
        this.type = type;
        this.lowBits = 0;
        this.highBits = 0;
        this.words = reader.words();
        this.headerBytes = reader.headerBytes();
        this.scaleBytes = reader.scaleBytes();
        this.reader = reader;
        this.options = reader.options();
    }

    WeightLayout(TensorType type, int lowBits, int highBits, ScaleForm scales, BlockReader reader, String moreOptions) {
        this.type = type;
        this.lowBits = lowBits;
        this.highBits = highBits;
        this.words = lowBits + highBits;
        this.headerBytes = scales.headerBytes();
        this.scaleBytes = scales.blockBytes();
        this.reader = reader;
        this.options = "-DLOW_BITS=" + lowBits + " -DHIGH_BITS=" + highBits + " -DSCALES=" + scales + moreOptions;
    }

    /** The layout of a type; empty if kernels do not know the type. */
    static Optional<WeightLayout> of(TensorType type) {
        return Optional.ofNullable(BY_TYPE.get(type));
    }

    /**
     * The layout of a weight.
     *
     * @param device for the message
     * @throws UnsupportedFeatureException if kernels do not know its type
     */
    static WeightLayout require(WeightShape shape, String device) {
        return of(shape.type())
                .orElseThrow(() -> new UnsupportedFeatureException("tensor " + shape.name() + " of type " + shape.type()
                        + ": device " + device + " cannot read this type; convert the model to one of " + types()));
    }

    /** All types that kernels know. */
    static List<TensorType> types() {
        return Arrays.stream(values()).map(layout -> layout.type).toList();
    }

    /** Build options of kernels that read this layout. */
    String options() {
        return options;
    }

    /** Whether products read activations that are quantized. */
    boolean takesBlocks() {
        return reader != null;
    }

    /** Bytes of a tile of 32 rows. */
    int tileBytes(int columns) {
        if (reader == null) {
            return Math.toIntExact((long) columns * PanelLines.ROWS * type.blockBytes());
        }
        int panels = Math.ceilDiv(columns, PanelLines.COLUMNS);
        return Math.addExact(
                Math.multiplyExact(panels, headerBytes), Math.multiplyExact(columns / PanelLines.BLOCK, blockStep()));
    }

    private int blockStep() {
        return scaleBytes + words * PanelLines.ROWS * Integer.BYTES;
    }

    /** Packs a row of a tile, which {@code file} is at. */
    void pack(FileBlocks file, int columns, int row, PanelLines tile) {
        if (reader == null) {
            packFloats(file, columns, row, tile);
            return;
        }
        int[] quants = new int[8];
        int at = 0;
        for (int column = 0; column < columns; column += PanelLines.COLUMNS) {
            int blocks = Math.min(PanelLines.COLUMNS, columns - column) / PanelLines.BLOCK;
            file.panel(column);
            tile.position(at, row);
            reader.scales(file, blocks, blockStep(), tile);
            for (int b = 0; b < blocks; b++) {
                reader.quants(file, b, quants);
                int line = headerBytes + b * blockStep() + scaleBytes;
                if (lowBits == 0) {
                    words(quants, line, tile);
                } else {
                    plane(quants, 0, lowBits, line, tile);
                    plane(quants, lowBits, highBits, line + lowBits * PanelLines.ROWS * Integer.BYTES, tile);
                }
            }
            at += headerBytes + blocks * blockStep();
        }
    }

    /** Writes what stays packed. */
    private void words(int[] quants, int line, PanelLines tile) {
        for (int w = 0; w < words; w++) {
            tile.word(line + w * PanelLines.ROWS * Integer.BYTES, quants[w]);
        }
    }

    /** Writes {@code bits} bits of each quant, from bit {@code first} on, to as many words. */
    private static void plane(int[] quants, int first, int bits, int line, PanelLines tile) {
        int mask = 0x01010101 * ((1 << bits) - 1);
        for (int w = 0; w < bits; w++) {
            int word = 0;
            for (int i = w; i < quants.length; i += bits) {
                word |= (quants[i] >>> first & mask) << bits * (i / bits);
            }
            tile.word(line + w * PanelLines.ROWS * Integer.BYTES, word);
        }
    }

    private void packFloats(FileBlocks file, int columns, int row, PanelLines tile) {
        file.panel(0);
        tile.position(0, row);
        int bytes = type.blockBytes();
        for (int column = 0; column < columns; column++) {
            int line = column * PanelLines.ROWS * bytes;
            if (bytes == Float.BYTES) {
                tile.word(line, file.word(column * bytes));
            } else {
                tile.half(line, file.half(column * bytes));
            }
        }
    }
}
