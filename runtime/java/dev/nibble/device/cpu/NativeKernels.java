package dev.nibble.device.cpu;

import dev.nibble.UnsupportedFeatureException;
import dev.nibble.device.Activation;
import dev.nibble.device.NormKind;
import dev.nibble.device.RopeStyle;
import dev.nibble.foreign.BundledLibrary;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The kernels of {@code native/cpu}, for what Java cannot express: dot products of bytes. They read the same packed weights and compute
 * the same sums as the kernels of the Vector API, which serve where these are missing: a type without one, another processor, a build
 * without a C compiler.
 *
 * <p>{@link NativeCalls} has the calls; the methods here say what the arguments are, in the terms of this package.
 */
@SuppressWarnings("restricted") // a device package binds its kernels
final class NativeKernels {
    /** Which kernels devices use: {@code native}, {@code vector}, or unset for the best that there are. */
    static final String CHOICE = "dev.nibble.cpu.kernels";

    private final NativeCalls calls;
    private final NativeProducts products;

    /** The kernels, or why there are none; found once. */
    private record Found(@Nullable NativeKernels kernels, String reason) {
        private static final Found FOUND = find();

        private static Found find() {
            String[] reason = {""};
            SymbolLookup library = BundledLibrary.load("nibble-cpu", text -> reason[0] = text);
            if (library == null) {
                return new Found(null, reason[0]);
            }
            if (!NativeCalls.supported(library, "nibble_cpu_supported")) {
                return new Found(null, "the processor has no AVX-512 VNNI");
            }
            return new Found(new NativeKernels(library), "");
        }
    }

    private NativeKernels(SymbolLookup library) {
        calls = new NativeCalls(library);
        products = new NativeProducts(library, calls);
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

    /** The products of weights and activations. */
    NativeProducts products() {
        return products;
    }

    /** Calls {@code nibble_quantize}. */
    void quantize(MemorySegment x, long blocks, MemorySegment integers, MemorySegment scales, MemorySegment sums) {
        try {
            calls.quantize.invokeExact(x, blocks, integers, scales, sums);
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    /** Calls {@code nibble_attention_query}: quantizes a query that meets keys of so many bits. */
    void quantizeQuery(int bits, MemorySegment x, float factor, ByteQueries to, int query) {
        try {
            calls.attentionQuery.invokeExact(
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

    /**
     * Calls {@code nibble_attend}.
     *
     * @param of a {@code struct nibble_attention}
     * @param keys of a head
     * @param values of a head
     */
    void attend(
            MemorySegment of,
            MemorySegment keys,
            MemorySegment values,
            MemorySegment groups,
            int begin,
            int end,
            int seenFrom,
            int seenTo,
            AttentionWorkspace.Scratch scratch,
            RunningSoftmax softmax) {
        try {
            calls.attend.invokeExact(
                    of,
                    keys,
                    values,
                    groups,
                    (long) begin,
                    (long) end,
                    (long) seenFrom,
                    (long) seenTo,
                    scratch.queryFloats.segment(),
                    scratch.byteQueries.integers(),
                    scratch.byteQueries.scales(),
                    scratch.byteQueries.starts(),
                    scratch.scoreFloats.segment(),
                    softmax.largest().segment(),
                    softmax.sums().segment(),
                    softmax.floats().segment());
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    /** Calls {@code nibble_attention_scores}: the scores of a group of keys against the first {@code queries} queries. */
    void scores(int bits, MemorySegment group, ByteQueries of, int queries, MemorySegment scores) {
        try {
            calls.attentionScores.invokeExact(
                    (long) bits,
                    group,
                    (long) of.size(),
                    (long) queries,
                    of.integers(),
                    of.scales(),
                    of.starts(),
                    (long) of.queries(),
                    scores,
                    (long) AttentionWorkspace.TILE);
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    /** x += y. */
    void add(MemorySegment x, MemorySegment y, int count) {
        try {
            calls.add.invokeExact(x, y, (long) count);
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    /** Normalises {@code count} values. */
    void norm(
            NormKind kind,
            MemorySegment x,
            MemorySegment weight,
            @Nullable MemorySegment bias,
            MemorySegment out,
            int count,
            float epsilon) {
        MemorySegment added = bias == null ? MemorySegment.NULL : bias;
        try {
            switch (kind) {
                case RMS -> calls.rmsNorm.invokeExact(x, weight, added, out, (long) count, epsilon);
                case LAYER -> calls.layerNorm.invokeExact(x, weight, added, out, (long) count, epsilon);
            }
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    /** Rotates heads, by angles of {@code pairs} cosines and sines from {@code at} on. */
    void rope(
            RopeStyle style,
            MemorySegment x,
            float[] cosines,
            float[] sines,
            int at,
            int heads,
            int headSize,
            int pairs) {
        MemorySegment cos = MemorySegment.ofArray(cosines).asSlice((long) at * Float.BYTES);
        MemorySegment sin = MemorySegment.ofArray(sines).asSlice((long) at * Float.BYTES);
        try {
            switch (style) {
                case HALVES -> calls.ropeHalves.invokeExact(x, cos, sin, (long) heads, (long) headSize, (long) pairs);
                case INTERLEAVED ->
                    calls.ropeNeighbours.invokeExact(x, cos, sin, (long) heads, (long) headSize, (long) pairs);
            }
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    /** out = act(gate) · up. */
    void gate(Activation activation, MemorySegment gate, MemorySegment up, MemorySegment out, int count) {
        try {
            switch (activation) {
                case SILU -> calls.silu.invokeExact(gate, up, out, (long) count);
                case GELU -> calls.gelu.invokeExact(gate, up, out, (long) count);
            }
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    /** The first place of the largest value. */
    int argMax(MemorySegment x, int count) {
        try {
            return (int) (long) calls.argmax.invokeExact(x, (long) count);
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    /** Asks for memory to be brought near; memory that was freed meanwhile is no error. */
    void prefetch(long address, long bytes) {
        try {
            calls.prefetch.invokeExact(address, bytes);
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    /** {@link AttentionProduct#multiply}. */
    void attentionProduct(
            boolean halves,
            MemorySegment a,
            int aAt,
            MemorySegment b,
            long bAt,
            int length,
            int columns,
            MemorySegment c,
            int cAt,
            int cStride,
            boolean add) {
        MethodHandle form = halves
                ? calls.attentionHalves
                : columns == CpuKvPages.COLUMNS ? calls.attentionFloats : calls.attentionFewFloats;
        try {
            form.invokeExact(a, (long) aAt, b, bAt, c, (long) cAt, (long) length, (long) cStride, add ? 1L : 0L);
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    /** {@link AttentionProduct#widen}. */
    void widen(MemorySegment source, long at, int length, int columns, MemorySegment target) {
        try {
            if (columns == CpuKvPages.COLUMNS) {
                calls.widenPairs.invokeExact(source, at, target, (long) length * columns);
            } else {
                calls.widenRows.invokeExact(source, at, target, (long) length * columns);
            }
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    /** {@link RunningSoftmax#scores}. */
    void softmax(
            int queries,
            HeapFloats scores,
            int width,
            HeapFloats largest,
            HeapFloats sums,
            HeapFloats values,
            int stride,
            int exponent,
            float power) {
        try {
            calls.softmax.invokeExact(
                    (long) queries,
                    scores.segment(),
                    (long) width,
                    largest.segment(),
                    sums.segment(),
                    values.segment(),
                    (long) stride,
                    (long) exponent,
                    power);
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    /** Native functions throw nothing; what the call itself throws is told as it is. */
    static RuntimeException unexpected(Throwable thrown) {
        return switch (thrown) {
            case RuntimeException e -> e;
            case Error e -> throw e;
            default -> new IllegalStateException(thrown);
        };
    }
}
