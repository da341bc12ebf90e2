package dev.nibble.device.cpu;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;

/**
 * The functions of {@code nibble_cpu.h}, bound. Calls are short and never block, so they are critical ones: arrays of the Java heap
 * are handed over as they are.
 *
 * <p>Not static: of handles that it knows, C2 inlines the calls, and with arrays in large methods its register allocator has crashed
 * (JDK 25.0.3).
 */
@SuppressWarnings("restricted") // a device package binds its kernels
final class NativeCalls {
    private static final FunctionDescriptor NORM =
            FunctionDescriptor.ofVoid(ADDRESS, ADDRESS, ADDRESS, ADDRESS, JAVA_LONG, JAVA_FLOAT);
    private static final FunctionDescriptor ROPE =
            FunctionDescriptor.ofVoid(ADDRESS, ADDRESS, ADDRESS, JAVA_LONG, JAVA_LONG, JAVA_LONG);
    private static final FunctionDescriptor GATE = FunctionDescriptor.ofVoid(ADDRESS, ADDRESS, ADDRESS, JAVA_LONG);
    private static final FunctionDescriptor ATTENTION = FunctionDescriptor.ofVoid(
            ADDRESS, JAVA_LONG, ADDRESS, JAVA_LONG, ADDRESS, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG);
    private static final FunctionDescriptor WIDEN = FunctionDescriptor.ofVoid(ADDRESS, JAVA_LONG, ADDRESS, JAVA_LONG);

    /** For any {@code nibble_product_TYPE}, which comes first. */
    final MethodHandle product;

    /** For any {@code nibble_product_TYPE} of floats, which comes first. */
    final MethodHandle floatProduct;

    final MethodHandle quantize;
    final MethodHandle add;
    final MethodHandle rmsNorm;
    final MethodHandle layerNorm;
    final MethodHandle ropeHalves;
    final MethodHandle ropeNeighbours;
    final MethodHandle silu;
    final MethodHandle gelu;
    final MethodHandle argmax;
    final MethodHandle prefetch;
    final MethodHandle attentionHalves;
    final MethodHandle attentionFloats;
    final MethodHandle attentionFewFloats;
    final MethodHandle widenPairs;
    final MethodHandle widenRows;
    final MethodHandle softmax;
    final MethodHandle attend;
    final MethodHandle attentionQuery;
    final MethodHandle attentionScores;

    /** Binds the functions of the library. */
    NativeCalls(SymbolLookup library) {
        product = Linker.nativeLinker()
                .downcallHandle(
                        FunctionDescriptor.ofVoid(
                                ADDRESS, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, ADDRESS, ADDRESS, ADDRESS,
                                JAVA_LONG, ADDRESS, ADDRESS, ADDRESS, JAVA_LONG, ADDRESS),
                        Linker.Option.critical(true));
        floatProduct = Linker.nativeLinker()
                .downcallHandle(
                        FunctionDescriptor.ofVoid(
                                ADDRESS, JAVA_LONG, JAVA_LONG, JAVA_LONG, ADDRESS, JAVA_LONG, JAVA_LONG, ADDRESS,
                                ADDRESS, ADDRESS, JAVA_LONG, ADDRESS),
                        Linker.Option.critical(true));
        quantize = bind(library, "quantize", FunctionDescriptor.ofVoid(ADDRESS, JAVA_LONG, ADDRESS, ADDRESS, ADDRESS));
        add = bind(library, "add", FunctionDescriptor.ofVoid(ADDRESS, ADDRESS, JAVA_LONG));
        rmsNorm = bind(library, "rms_norm", NORM);
        layerNorm = bind(library, "layer_norm", NORM);
        ropeHalves = bind(library, "rope_halves", ROPE);
        ropeNeighbours = bind(library, "rope_neighbours", ROPE);
        silu = bind(library, "silu", GATE);
        gelu = bind(library, "gelu", GATE);
        argmax = bind(library, "argmax", FunctionDescriptor.of(JAVA_LONG, ADDRESS, JAVA_LONG));
        prefetch = bind(library, "prefetch", FunctionDescriptor.ofVoid(JAVA_LONG, JAVA_LONG));
        attentionHalves = bind(library, "attention_halves", ATTENTION);
        attentionFloats = bind(library, "attention_floats", ATTENTION);
        attentionFewFloats = bind(library, "attention_few_floats", ATTENTION);
        widenPairs = bind(library, "widen_pairs", WIDEN);
        widenRows = bind(library, "widen", WIDEN);
        softmax = bind(
                library,
                "softmax",
                FunctionDescriptor.ofVoid(
                        JAVA_LONG, ADDRESS, JAVA_LONG, ADDRESS, ADDRESS, ADDRESS, JAVA_LONG, JAVA_LONG, JAVA_FLOAT));
        attend = bind(
                library,
                "attend",
                FunctionDescriptor.ofVoid(
                        ADDRESS, ADDRESS, ADDRESS, ADDRESS, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, ADDRESS,
                        ADDRESS, ADDRESS, ADDRESS, ADDRESS, ADDRESS, ADDRESS, ADDRESS));
        attentionQuery = bind(
                library,
                "attention_query",
                FunctionDescriptor.ofVoid(
                        JAVA_LONG, ADDRESS, JAVA_LONG, JAVA_FLOAT, ADDRESS, ADDRESS, ADDRESS, JAVA_LONG));
        attentionScores = bind(
                library,
                "attention_scores",
                FunctionDescriptor.ofVoid(
                        JAVA_LONG, ADDRESS, JAVA_LONG, JAVA_LONG, ADDRESS, ADDRESS, ADDRESS, JAVA_LONG, ADDRESS,
                        JAVA_LONG));
    }

    private static MethodHandle bind(SymbolLookup library, String name, FunctionDescriptor type) {
        return Linker.nativeLinker()
                .downcallHandle(library.findOrThrow("nibble_" + name), type, Linker.Option.critical(true));
    }

    /** Asks the library what the processor has. */
    static boolean supported(SymbolLookup library, String question) {
        MethodHandle supported =
                Linker.nativeLinker().downcallHandle(library.findOrThrow(question), FunctionDescriptor.of(JAVA_INT));
        try {
            return (int) supported.invokeExact() != 0;
        } catch (Throwable e) {
            throw NativeKernels.unexpected(e);
        }
    }
}
