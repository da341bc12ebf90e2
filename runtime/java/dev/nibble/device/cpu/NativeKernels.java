package dev.nibble.device.cpu;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.nibble.UnsupportedFeatureException;
import dev.nibble.foreign.BundledLibrary;
import dev.nibble.gguf.TensorType;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.util.EnumMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The kernels of {@code native/cpu}, for what Java cannot express: dot products of bytes. They read the same packed weights and compute
 * the same sums as the kernels of the Vector API, which serve where these are missing: a type without one, another processor, a build
 * without a C compiler.
 *
 * <p>Calls are short and never block, so they are critical ones: arrays of the Java heap are handed over as they are.
 */
@SuppressWarnings("restricted") // a device package binds its kernels
final class NativeKernels {
    /** Which kernels devices use: {@code native}, {@code vector}, or unset for the best that there are. */
    static final String CHOICE = "dev.nibble.cpu.kernels";

    private static final FunctionDescriptor PRODUCT = FunctionDescriptor.ofVoid(
            ADDRESS, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, ADDRESS, ADDRESS, ADDRESS, JAVA_LONG, ADDRESS, ADDRESS,
            ADDRESS, JAVA_LONG, ADDRESS);
    private static final FunctionDescriptor QUANTIZE =
            FunctionDescriptor.ofVoid(ADDRESS, JAVA_LONG, ADDRESS, ADDRESS, ADDRESS);

    private static final FunctionDescriptor QUERY =
            FunctionDescriptor.ofVoid(JAVA_LONG, ADDRESS, JAVA_LONG, JAVA_FLOAT, ADDRESS, ADDRESS, ADDRESS, JAVA_LONG);
    private static final FunctionDescriptor SCORES = FunctionDescriptor.ofVoid(
            JAVA_LONG, ADDRESS, JAVA_LONG, JAVA_LONG, ADDRESS, ADDRESS, ADDRESS, JAVA_LONG, ADDRESS, JAVA_LONG);

    private final Map<TensorType, MemorySegment> products = new EnumMap<>(TensorType.class);
    private final MethodHandle product;
    private final MethodHandle quantize;
    private final MethodHandle query;
    private final MethodHandle scores;

    /** The kernels, or why there are none; found once. */
    private record Found(@Nullable NativeKernels kernels, String reason) {
        private static final Found FOUND = find();

        private static Found find() {
            String[] reason = {""};
            SymbolLookup library = BundledLibrary.load("nibble-cpu", text -> reason[0] = text);
            if (library == null) {
                return new Found(null, reason[0]);
            }
            if (!supported(library)) {
                return new Found(null, "the processor has no AVX-512 VNNI");
            }
            return new Found(new NativeKernels(library), "");
        }

        private static boolean supported(SymbolLookup library) {
            MethodHandle supported = Linker.nativeLinker()
                    .downcallHandle(library.findOrThrow("nibble_cpu_supported"), FunctionDescriptor.of(JAVA_INT));
            try {
                return (int) supported.invokeExact() != 0;
            } catch (Throwable e) {
                throw unexpected(e);
            }
        }
    }

    private NativeKernels(SymbolLookup library) {
        Linker linker = Linker.nativeLinker();
        Linker.Option critical = Linker.Option.critical(true);
        this.product = linker.downcallHandle(PRODUCT, critical);
        this.quantize = linker.downcallHandle(library.findOrThrow("nibble_quantize"), QUANTIZE, critical);
        this.query = linker.downcallHandle(library.findOrThrow("nibble_attention_query"), QUERY, critical);
        this.scores = linker.downcallHandle(library.findOrThrow("nibble_attention_scores"), SCORES, critical);
        for (TileLayout layout : TileLayout.values()) {
            library.find("nibble_product_" + layout.name().toLowerCase(Locale.ROOT))
                    .ifPresent(symbol -> products.put(TensorType.valueOf(layout.name()), symbol));
        }
    }

    /**
     * The kernels that devices of this program use; empty: those of the Vector API only.
     *
     * @throws UnsupportedFeatureException if native ones were asked for and there are none
     */
    static Optional<NativeKernels> chosen() {
        String choice = System.getProperty(CHOICE, "");
        return switch (choice) {
            case "vector" -> Optional.empty();
            case "" -> Optional.ofNullable(Found.FOUND.kernels);
            case "native" -> {
                if (Found.FOUND.kernels == null) {
                    throw new UnsupportedFeatureException("native kernels of device cpu: " + Found.FOUND.reason);
                }
                yield Optional.of(Found.FOUND.kernels);
            }
            default ->
                throw new UnsupportedFeatureException(
                        "the system property " + CHOICE + " is native or vector, or not set; it was " + choice);
        };
    }

    /** Why this program has no native kernels; empty if it has some or was told to do without. */
    static String missing() {
        return System.getProperty(CHOICE, "").equals("vector") ? "" : Found.FOUND.reason;
    }

    /** The function that multiplies weights of a type. */
    Optional<MemorySegment> product(TensorType type) {
        return Optional.ofNullable(products.get(type));
    }

    /** Calls {@code nibble_quantize}. */
    void quantize(MemorySegment x, long blocks, MemorySegment integers, MemorySegment scales, MemorySegment sums) {
        try {
            quantize.invokeExact(x, blocks, integers, scales, sums);
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    /** Calls {@code nibble_attention_query}: quantizes a query that meets keys of so many bits. */
    void quantizeQuery(int bits, MemorySegment x, float factor, ByteQueries to, int query) {
        try {
            this.query.invokeExact(
                    (long) bits,
                    x,
                    (long) to.size(),
                    factor,
                    to.integersOf(query),
                    to.scalesFrom(query),
                    to.startsFrom(query),
                    (long) to.queries());
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    /** Calls {@code nibble_attention_scores}: the scores of a group of keys against the first {@code queries} queries. */
    void scores(int bits, MemorySegment group, ByteQueries of, int queries, MemorySegment scores) {
        try {
            this.scores.invokeExact(
                    (long) bits,
                    group,
                    (long) of.size(),
                    (long) queries,
                    of.integersOf(0),
                    of.scalesFrom(0),
                    of.startsFrom(0),
                    (long) of.queries(),
                    scores,
                    (long) AttentionWorkspace.TILE);
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    /** Calls the function of a type for some tiles of one matrix: see {@code nibble_cpu.h}. */
    void multiply(TiledProduct product, ByteRows x, int firstTile, int endTile) {
        PackedMatrix weight = product.weight();
        int tileBytes = PackedMatrix.tileBytes(weight.shape());
        int firstRow = weight.firstRowOf(firstTile);
        long rows = weight.firstRowOf(endTile - 1) - firstRow + weight.rowsOf(endTile - 1);
        RowSelection selection = product.selection();
        MemorySegment allBias = product.bias();
        MemorySegment bias = allBias == null ? MemorySegment.NULL : allBias.asSlice((long) firstRow * Float.BYTES);
        MemorySegment function = products.get(weight.shape().type());
        try {
            this.product.invokeExact(
                    function,
                    weight.data().asSlice((long) firstTile * tileBytes),
                    (long) tileBytes,
                    (long) endTile - firstTile,
                    rows,
                    (long) weight.shape().columns(),
                    x.integers(),
                    x.scales(),
                    x.sums(),
                    (long) selection.count(),
                    array(selection.inputs()),
                    array(selection.outputs()),
                    product.out().segment().asSlice((long) firstRow * Float.BYTES),
                    product.out().stride(),
                    bias);
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    private static MemorySegment array(int @Nullable [] numbers) {
        return numbers == null ? MemorySegment.NULL : MemorySegment.ofArray(numbers);
    }

    /** Native functions throw nothing; what the call itself throws is told as it is. */
    private static RuntimeException unexpected(Throwable thrown) {
        return switch (thrown) {
            case RuntimeException e -> e;
            case Error e -> throw e;
            default -> new IllegalStateException(thrown);
        };
    }
}
