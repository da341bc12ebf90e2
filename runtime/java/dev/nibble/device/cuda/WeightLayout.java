package dev.nibble.device.cuda;

import dev.nibble.gguf.TensorType;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * How weights lie in device memory, one row per tensor type: {@code cuda-kernels/include/layout.cuh} and {@code float_products.cuh}. A
 * row takes as many bytes as in the file; {@code repack.cu} orders them anew.
 */
enum WeightLayout {
    F32(TensorType.F32),
    F16(TensorType.F16),
    BF16(TensorType.BF16),
    Q4_0(TensorType.Q4_0, 2, 16, 2),
    Q4_1(TensorType.Q4_1, 4, 16, 4),
    Q5_0(TensorType.Q5_0, 6, 16, 2, 0, 18),
    Q5_1(TensorType.Q5_1, 8, 16, 4, 0, 20),
    Q8_0(TensorType.Q8_0, 2, 32, 2),
    Q2_K(TensorType.Q2_K, 0),
    Q3_K(TensorType.Q3_K, 0),
    Q4_K(TensorType.Q4_K, 0),
    Q5_K(TensorType.Q5_K, 0),
    Q6_K(TensorType.Q6_K, 0),
    IQ4_NL(TensorType.IQ4_NL, 2, 16, 2, 16, WeightLayout.NOWHERE),
    IQ4_XS(TensorType.IQ4_XS, 8, 136, 0, 128, WeightLayout.NOWHERE),
    MXFP4(TensorType.MXFP4, 1, 16, 1, 16, WeightLayout.NOWHERE),
    TQ1_0(TensorType.TQ1_0, 0),
    TQ2_0(TensorType.TQ2_0, 0),
    IQ1_S(TensorType.IQ1_S, 2),
    IQ1_M(TensorType.IQ1_M, 0),
    IQ2_XXS(TensorType.IQ2_XXS, 2),
    IQ2_XS(TensorType.IQ2_XS, 2),
    IQ2_S(TensorType.IQ2_S, 2),
    IQ3_XXS(TensorType.IQ3_XXS, 2),
    IQ3_S(TensorType.IQ3_S, 2);

    /** Rows of a tile. */
    static final int TILE_ROWS = 32;

    private static final int PANEL_COLUMNS = 256;
    private static final int NOWHERE = -1;

    /** Threads of a block that repacks, each of which writes a word. */
    private static final int REPACKERS = 256;

    private static final Map<TensorType, WeightLayout> BY_TYPE = new EnumMap<>(TensorType.class);

    static {
        for (WeightLayout layout : values()) {
            BY_TYPE.put(layout.type, layout);
        }
    }

    private final TensorType type;
    private final int rotation;
    private final int first;
    private final int second;
    private final int codes;
    private final int fifthBits;

    /** Floats. */
    WeightLayout(TensorType type) {
        this(type, 0, 0, 0);
    }

    /** Blocks of 256 columns that stay as they are, but that the byte at {@code rotation} is their first. */
    WeightLayout(TensorType type, int rotation) {
        this(type, rotation, type.blockBytes(), 0);
    }

    WeightLayout(TensorType type, int rotation, int first, int second) {
        this(type, rotation, first, second, 0, NOWHERE);
    }

    /**
     * Blocks whose fields are gathered.
     *
     * @param rotation the byte of a block that becomes the first
     * @param first bytes of the first field then
     * @param second bytes of the second field; the rest is the third
     * @param codes how many leading bytes are numbers in a codebook, two to a byte
     * @param fifthBits where the upper bits of 32 quants begin
     */
    WeightLayout(TensorType type, int rotation, int first, int second, int codes, int fifthBits) {
        this.type = type;
        this.rotation = rotation;
        this.first = first;
        this.second = second;
        this.codes = codes;
        this.fifthBits = fifthBits;
    }

    /** The layout of a type; empty if kernels do not know the type. */
    static Optional<WeightLayout> of(TensorType type) {
        return Optional.ofNullable(BY_TYPE.get(type));
    }

    /** All types that kernels know. */
    static List<TensorType> types() {
        return Arrays.stream(values()).map(layout -> layout.type).toList();
    }

    TensorType type() {
        return type;
    }

    /** The module, or the kernel, of a family that is for this type. */
    String named(String family) {
        return family + "_" + name().toLowerCase(Locale.ROOT);
    }

    /** Whether products read activations that are quantized. */
    boolean takesBlocks() {
        return first > 0;
    }

    /** Bytes of a panel of a tile: 256 columns of 32 rows. */
    int panelBytes() {
        return TILE_ROWS * type.blockBytes() * PANEL_COLUMNS / type.blockLength();
    }

    /** Floats that a row has for 32 columns: scales and offsets. */
    int rowFactors() {
        return switch (this) {
            case Q2_K -> 4;
            case Q4_1, Q5_1, Q3_K, Q4_K, Q5_K, Q6_K, IQ1_M, IQ2_XS, IQ2_S -> 2;
            default -> 1;
        };
    }

    /** Bytes of a tile. */
    static long tileBytes(TensorType type, int columns) {
        return TILE_ROWS * type.rowBytes(columns);
    }

    /**
     * Adds the launch that makes tiles of rows.
     *
     * @param source the address of the rows as the file has them, one after another
     * @param target the address of the tiles
     */
    void repack(CudaPlan plan, long source, long target, int rows, int columns) {
        int words = Math.toIntExact(tileBytes(type, columns) / Integer.BYTES);
        plan.kernel("repack", "repack")
                .wide(source)
                .wide(target)
                .integer(rows)
                .integer(Math.toIntExact(type.rowBytes(columns)))
                .integer(type.blockBytes())
                .integer(takesBlocks() ? PANEL_COLUMNS / type.blockLength() : 0)
                .integer(rotation)
                .integer(first)
                .integer(second)
                .integer(codes)
                .integer(fifthBits)
                .groups(Math.ceilDiv(words, REPACKERS), Math.ceilDiv(rows, TILE_ROWS), REPACKERS);
    }
}
