package dev.nibble;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * How a model is quantized.
 *
 * @param type a type or a named mix of types, e.g. {@code q8_0}, {@code q4_k_m}: see {@link ModelQuantizer#types}
 * @param pure whether all matrices get that type, without the mix's exceptions
 * @param outputType the type of the output matrix; null: as the mix says
 * @param tokenEmbeddingType the type of the token embedding; null: as the mix says
 * @param tensorTypes {@code PATTERN=TYPE} each: types for matrices in whose names the regular expression is found; the first
 *     that matches decides
 * @param importance a file that says how much each column matters; null: all the same
 * @param allowRequantize whether matrices may be quantized that are so already
 * @param threads that work; 0: one per processor
 */
public record QuantizationOptions(
        String type,
        boolean pure,
        @Nullable String outputType,
        @Nullable String tokenEmbeddingType,
        List<String> tensorTypes,
        @Nullable Path importance,
        boolean allowRequantize,
        int threads) {
    /**
     * Copies the list.
     *
     * @throws IllegalArgumentException if the number of threads is negative
     */
    public QuantizationOptions {
        tensorTypes = List.copyOf(tensorTypes);
        if (threads < 0) {
            throw new IllegalArgumentException("threads must be 0 (one per processor) or more; given " + threads);
        }
    }

    /** Starts from a type or mix, without importance, on all processors. */
    public static Builder builder(String type) {
        return new Builder(type);
    }

    /** Collects options. */
    public static final class Builder {
        private final String type;
        private boolean pure;
        private @Nullable String outputType;
        private @Nullable String tokenEmbeddingType;
        private final List<String> tensorTypes = new ArrayList<>();
        private @Nullable Path importance;
        private boolean allowRequantize;
        private int threads;

        private Builder(String type) {
            this.type = type;
        }

        /** Give all matrices the same type. */
        public Builder pure(boolean same) {
            this.pure = same;
            return this;
        }

        /** The type of the output matrix; null: as the mix says. */
        public Builder outputType(@Nullable String name) {
            this.outputType = name;
            return this;
        }

        /** The type of the token embedding; null: as the mix says. */
        public Builder tokenEmbeddingType(@Nullable String name) {
            this.tokenEmbeddingType = name;
            return this;
        }

        /** A type for matrices in whose names a regular expression is found, after those already given. */
        public Builder tensorType(String pattern, String name) {
            this.tensorTypes.add(pattern + "=" + name);
            return this;
        }

        /** A file that says how much each column matters; null: all the same. */
        public Builder importance(@Nullable Path file) {
            this.importance = file;
            return this;
        }

        /** Quantize matrices that are so already; their errors add up. */
        public Builder allowRequantize(boolean allow) {
            this.allowRequantize = allow;
            return this;
        }

        /** Threads that work; 0: one per processor. */
        public Builder threads(int count) {
            this.threads = count;
            return this;
        }

        /** The options. */
        public QuantizationOptions build() {
            return new QuantizationOptions(
                    type, pure, outputType, tokenEmbeddingType, tensorTypes, importance, allowRequantize, threads);
        }
    }
}
