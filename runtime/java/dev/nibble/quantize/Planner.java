package dev.nibble.quantize;

import dev.nibble.InvalidModelException;
import dev.nibble.UnsupportedFeatureException;
import dev.nibble.gguf.GgufFile;
import dev.nibble.gguf.TensorInfo;
import dev.nibble.gguf.TensorType;
import dev.nibble.quant.BlockFormat;
import dev.nibble.quant.Importance.ColumnSums;
import dev.nibble.quantize.MixRule.Place;
import dev.nibble.quantize.QuantizationPlan.ImportanceFile;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Makes the plan of one file: asks the mix and the explicit choices, and checks that all of it can be done. */
final class Planner {
    private static final int NAMED = 3;

    private final GgufFile file;
    private final Recipe recipe;
    private final @Nullable ImportanceFile importance;
    private final ModelTraits traits;
    private final List<String> values;
    private final List<String> notes = new ArrayList<>();

    /** By what happened to their types, the tensors whose rows do not divide into blocks. */
    private final Map<String, List<String>> fallbacks = new LinkedHashMap<>();

    Planner(GgufFile file, Recipe recipe, @Nullable ImportanceFile importance) {
        this.file = file;
        this.recipe = recipe;
        this.importance = importance;
        this.traits = ModelTraits.of(file, importance != null);
        this.values = file.tensors().stream()
                .map(TensorInfo::name)
                .filter(name -> TensorKind.of(name).isValue())
                .sorted(Comparator.comparingInt(MixRule::layer))
                .toList();
    }

    QuantizationPlan plan() {
        requireMeaningfulChoices();
        List<PlannedTensor> tensors = new ArrayList<>();
        for (TensorInfo tensor : file.tensors()) {
            tensors.add(plan(tensor));
        }
        requireUsedImportance(tensors);
        fallbacks.forEach((what, names) -> notes.add(what + ": " + some(names)));
        return new QuantizationPlan(tensors, notes);
    }

    private PlannedTensor plan(TensorInfo tensor) {
        if (!TensorKind.isQuantizable(tensor)) {
            return new PlannedTensor(tensor, tensor.type(), null);
        }
        TensorKind kind = TensorKind.of(tensor.name());
        Optional<TensorType> explicit = recipe.explicit(tensor.name(), kind, traits.tied());
        if (recipe.pure() && explicit.isEmpty()) {
            explicit = Optional.of(recipe.mix().base());
        }
        TensorType type = explicit.map(named -> requireBlocks(tensor, named))
                .orElseGet(() -> fitting(tensor, recipe.mix().typeOf(place(tensor.name(), kind))));
        PlannedTensor planned = new PlannedTensor(tensor, type, sums(tensor, type));
        requireQuantizable(planned);
        return planned;
    }

    private Place place(String name, TensorKind kind) {
        if (kind.isValue()) {
            return new Place(kind, values.indexOf(name), values.size(), traits);
        }
        int layer = MixRule.layer(name);
        return new Place(kind, layer, Math.max(traits.layers(), layer + 1), traits);
    }

    private static boolean fits(TensorInfo tensor, TensorType type) {
        return tensor.columns() % type.blockLength() == 0;
    }

    private static TensorType requireBlocks(TensorInfo tensor, TensorType type) {
        if (!fits(tensor, type)) {
            throw new IllegalArgumentException(
                    "tensor " + tensor.name() + " cannot be " + Recipe.id(type) + ": its rows have "
                            + tensor.columns() + " values, no multiple of the " + type.blockLength() + " of a block; "
                            + Recipe.id(substitute(tensor, type)) + " would fit");
        }
        return type;
    }

    /** The type that the mix says or, where rows do not divide into its blocks, the one that comes nearest. */
    private TensorType fitting(TensorInfo tensor, TensorType type) {
        if (fits(tensor, type)) {
            return type;
        }
        TensorType substitute = substitute(tensor, type);
        fallbacks
                .computeIfAbsent(
                        Recipe.id(substitute) + " instead of " + Recipe.id(type) + ", as rows of " + tensor.columns()
                                + " values do not divide into blocks of " + type.blockLength(),
                        what -> new ArrayList<>())
                .add(tensor.name());
        return substitute;
    }

    private static TensorType substitute(TensorInfo tensor, TensorType type) {
        TensorType smaller = switch (type) {
            case IQ4_XS -> TensorType.IQ4_NL;
            case Q2_K, Q3_K -> TensorType.Q4_0;
            case Q4_K -> TensorType.Q5_0;
            case Q5_K -> TensorType.Q5_1;
            case Q6_K -> TensorType.Q8_0;
            default -> TensorType.F16;
        };
        return fits(tensor, smaller) ? smaller : TensorType.F16;
    }

    private void requireQuantizable(PlannedTensor tensor) {
        if (tensor.isCopied()) {
            return;
        }
        if (!BlockFormat.isDecodable(tensor.source().type())) {
            throw new UnsupportedFeatureException("tensor " + tensor.source().name() + " of " + file.path() + " is "
                    + Recipe.id(tensor.source().type()) + ", for which there is no decoder, so that it cannot become "
                    + Recipe.id(tensor.type()));
        }
        if (tensor.isRequantized() && !recipe.allowRequantize()) {
            throw new IllegalArgumentException(
                    "tensor " + tensor.source().name() + " of " + file.path() + " is quantized already, as "
                            + Recipe.id(tensor.source().type()) + ": " + Recipe.id(tensor.type())
                            + " would add its errors to those. Start from a float model, or allow it (--allow-requantize)");
        }
    }

    private void requireMeaningfulChoices() {
        List<String> names = file.tensors().stream()
                .filter(TensorKind::isQuantizable)
                .map(TensorInfo::name)
                .toList();
        for (Recipe.Choice choice : recipe.choices()) {
            if (names.stream().noneMatch(choice::matches)) {
                throw new IllegalArgumentException("no matrix of " + file.path() + " has a name like that in '" + choice
                        + "'; vectors, norms and routers keep their types");
            }
        }
        if (recipe.tokenEmbedding() != null && !names.contains(Recipe.TOKEN_EMBEDDING_NAME)) {
            throw new IllegalArgumentException(
                    file.path() + " has no tensor " + Recipe.TOKEN_EMBEDDING_NAME + " to give a type to");
        }
    }

    private @Nullable ColumnSums sums(TensorInfo tensor, TensorType type) {
        if (importance == null || type.blockLength() == 1) {
            return null;
        }
        ColumnSums sums = importance.content().tensors().get(tensor.name());
        if (sums != null
                && (sums.columns() != tensor.columns() || sums.experts() != 1 && sums.experts() != tensor.matrices())) {
            throw otherModel(
                    importance,
                    "it says of " + tensor.name() + " that it has " + sums.columns() + " columns and " + sums.experts()
                            + " matrices, but there it has " + tensor.columns() + " and " + tensor.matrices());
        }
        return sums;
    }

    private void requireUsedImportance(List<PlannedTensor> tensors) {
        if (importance == null) {
            return;
        }
        List<PlannedTensor> wanting = tensors.stream()
                .filter(tensor -> !tensor.isCopied() && tensor.type().blockLength() > 1)
                .toList();
        if (wanting.isEmpty()) {
            throw new IllegalArgumentException("nothing is quantized to blocks of "
                    + recipe.mix().id() + ", so that the importance of columns is of no use");
        }
        List<String> unknown = importance.content().tensors().keySet().stream()
                .filter(name -> file.find(name).isEmpty())
                .toList();
        if (!unknown.isEmpty()) {
            throw otherModel(importance, "it speaks of tensors that are not there: " + some(unknown));
        }
        List<String> layers = wanting.stream()
                .map(tensor -> tensor.source().name())
                .filter(name -> name.startsWith("blk."))
                .toList();
        List<String> missing = wanting.stream()
                .filter(tensor -> tensor.importance() == null)
                .map(tensor -> tensor.source().name())
                .filter(layers::contains)
                .toList();
        if (2 * missing.size() > layers.size()) {
            throw otherModel(
                    importance,
                    "it says nothing of " + missing.size() + " of " + layers.size() + " tensors: " + some(missing));
        }
        if (!missing.isEmpty()) {
            notes.add("no importance in " + importance.path() + ": " + some(missing));
        }
    }

    private InvalidModelException otherModel(ImportanceFile importance, String why) {
        return new InvalidModelException(
                importance.path(), -1, "this is the importance of another model than " + file.path() + ": " + why);
    }

    private static String some(List<String> names) {
        String first = String.join(", ", names.subList(0, Math.min(NAMED, names.size())));
        return names.size() <= NAMED ? first : first + " and " + (names.size() - NAMED) + " more";
    }
}
