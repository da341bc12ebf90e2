package dev.nibble.device.cpu;

import dev.nibble.gguf.TensorType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.util.EnumMap;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** The native kernels that multiply weights and activations: a function for each type of weights. */
final class NativeProducts {
    private final NativeCalls calls;
    private final Map<TensorType, MemorySegment> functions = new EnumMap<>(TensorType.class);

    /** Finds the functions of the types that the processor can multiply. */
    NativeProducts(SymbolLookup library, NativeCalls calls) {
        this.calls = calls;
        boolean grids = NativeGrids.load(library);
        for (TensorType type : TensorType.values()) {
            if (grids
                    || TileLayout.of(type)
                            .map(TileLayout::form)
                            .filter(GridForm.class::isInstance)
                            .isEmpty()) {
                library.find("nibble_product_" + type.name().toLowerCase(Locale.ROOT))
                        .ifPresent(symbol -> functions.put(type, symbol));
            }
        }
    }

    /** The function that multiplies weights of a type. */
    Optional<MemorySegment> of(TensorType type) {
        return Optional.ofNullable(functions.get(type));
    }

    /** Calls the function of a type for some tiles of one matrix: see {@code nibble_cpu.h}. */
    void multiply(TiledProduct product, ByteRows x, int firstTile, int endTile) {
        PackedMatrix weight = product.weight();
        int tileBytes = PackedMatrix.tileBytes(weight.shape());
        int firstRow = weight.firstRowOf(firstTile);
        RowSelection selection = product.selection();
        try {
            calls.product.invokeExact(
                    functions.get(weight.shape().type()),
                    weight.data().asSlice((long) firstTile * tileBytes),
                    (long) tileBytes,
                    (long) endTile - firstTile,
                    rows(weight, firstTile, endTile),
                    (long) weight.shape().columns(),
                    x.integers(),
                    x.scales(),
                    x.sums(),
                    (long) selection.count(),
                    array(selection.inputs()),
                    array(selection.outputs()),
                    product.out().segment().asSlice((long) firstRow * Float.BYTES),
                    product.out().stride(),
                    bias(product, firstRow));
        } catch (Throwable e) {
            throw NativeKernels.unexpected(e);
        }
    }

    /** The same for weights of floats. */
    void multiplyFloats(TiledProduct product, int firstTile, int endTile) {
        PackedMatrix weight = product.weight();
        int firstRow = weight.firstRowOf(firstTile);
        FloatRows x = Objects.requireNonNull(product.floats()).rows();
        RowSelection selection = product.selection();
        try {
            calls.floatProduct.invokeExact(
                    functions.get(weight.shape().type()),
                    weight.tile(firstTile),
                    weight.shape().rowBytes(),
                    rows(weight, firstTile, endTile),
                    (long) weight.shape().columns(),
                    x.segment(),
                    x.stride(),
                    (long) selection.count(),
                    array(selection.inputs()),
                    array(selection.outputs()),
                    product.out().segment().asSlice((long) firstRow * Float.BYTES),
                    product.out().stride(),
                    bias(product, firstRow));
        } catch (Throwable e) {
            throw NativeKernels.unexpected(e);
        }
    }

    private static long rows(PackedMatrix weight, int firstTile, int endTile) {
        return weight.firstRowOf(endTile - 1) - weight.firstRowOf(firstTile) + weight.rowsOf(endTile - 1);
    }

    private static MemorySegment bias(TiledProduct product, int firstRow) {
        MemorySegment bias = product.bias();
        return bias == null ? MemorySegment.NULL : bias.asSlice((long) firstRow * Float.BYTES);
    }

    private static MemorySegment array(int @Nullable [] numbers) {
        return numbers == null ? MemorySegment.NULL : MemorySegment.ofArray(numbers);
    }
}
