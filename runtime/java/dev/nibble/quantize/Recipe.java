package dev.nibble.quantize;

import dev.nibble.gguf.TensorType;
import dev.nibble.quant.BlockFormat;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * What is asked for: a mix, and what shall differ from it.
 *
 * @param pure whether all matrices get the mix's own type, whatever its rules say
 * @param output the type of the output matrix; null: what the mix says
 * @param tokenEmbedding the type of the token embedding; null: what the mix says
 * @param choices types for tensors of some names; the first that matches decides
 * @param allowRequantize whether tensors may be quantized that are so already
 */
public record Recipe(
        Mix mix,
        boolean pure,
        @Nullable TensorType output,
        @Nullable TensorType tokenEmbedding,
        List<Choice> choices,
        boolean allowRequantize) {
    static final String TOKEN_EMBEDDING_NAME = "token_embd.weight";

    /** Copies the list. */
    public Recipe {
        choices = List.copyOf(choices);
    }

    /**
     * A type for tensors of some names.
     *
     * @param pattern is looked for anywhere in the name
     */
    public record Choice(Pattern pattern, TensorType type) {
        /**
         * Reads {@code PATTERN=TYPE}.
         *
         * @throws IllegalArgumentException if it is not of this form, the pattern no regular expression, or the type unknown
         */
        public static Choice of(String text) {
            int equals = text.lastIndexOf('=');
            if (equals < 1) {
                throw new IllegalArgumentException(
                        "'" + text + "' is not of the form PATTERN=TYPE, as ffn_down=q6_k is");
            }
            try {
                return new Choice(Pattern.compile(text.substring(0, equals)), tensorType(text.substring(equals + 1)));
            } catch (PatternSyntaxException e) {
                throw new IllegalArgumentException(
                        "'" + e.getPattern() + "' is no regular expression: " + e.getDescription() + " at character "
                                + e.getIndex(),
                        e);
            }
        }

        /** Whether it is about the tensor of this name. */
        boolean matches(String name) {
            return pattern.matcher(name).find();
        }

        @Override
        public String toString() {
            return pattern + "=" + id(type);
        }
    }

    /**
     * The type of this name.
     *
     * @throws IllegalArgumentException if there is none that can be written, naming those that can
     */
    public static TensorType tensorType(String id) {
        return encodable()
                .filter(format -> format.name().equalsIgnoreCase(id))
                .findFirst()
                .map(BlockFormat::type)
                .orElseThrow(() -> new IllegalArgumentException("there is no type '" + id + "' for a tensor; there are "
                        + encodable().map(format -> id(format.type())).collect(Collectors.joining(", "))));
    }

    private static Stream<BlockFormat> encodable() {
        return Arrays.stream(BlockFormat.values()).filter(BlockFormat::isEncodable);
    }

    /** The name of a type. */
    static String id(TensorType type) {
        return type.name().toLowerCase(Locale.ROOT);
    }

    /**
     * The type that was named for this tensor, whatever the mix says.
     *
     * @param tied whether the token embedding is the output matrix as well
     */
    Optional<TensorType> explicit(String name, TensorKind kind, boolean tied) {
        boolean embedding = name.equals(TOKEN_EMBEDDING_NAME);
        if (embedding && tokenEmbedding != null) {
            return Optional.of(tokenEmbedding);
        }
        if (output != null && (kind == TensorKind.OUTPUT || embedding && tied)) {
            return Optional.of(output);
        }
        return choices.stream()
                .filter(choice -> choice.matches(name))
                .findFirst()
                .map(Choice::type);
    }
}
