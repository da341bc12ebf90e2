package dev.nibble.cli;

import dev.nibble.ModelPlan;
import dev.nibble.ModelPlan.ContextLimit;
import dev.nibble.ModelPlan.DevicePart;
import dev.nibble.ModelPlan.StoredType;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;

/** A memory plan for people and for programs. */
record PlanReport(ModelPlan plan) {
    private static final double BILLION = 1e9;

    /** The whole report. */
    String text() {
        return title() + "\n\n" + typeTable().text() + overhead() + "\n\n"
                + deviceTable().text() + "\n"
                + plan.devices().stream()
                        .map(part -> part.device() + ": " + part.holds() + "\n")
                        .collect(Collectors.joining())
                + plan.reason() + "\n" + projection() + "\n" + verdict() + "\n\n"
                + contextTable().text();
    }

    /** How long a token would take on devices that are not here, one line and its end; empty for others. */
    String projection() {
        ModelPlan.Projection projection = plan.projection();
        return projection == null ? "" : report(projection).text() + "\n";
    }

    /** The limit, with all of the bandwidth and half of the context. */
    private ProjectionReport report(ModelPlan.Projection projection) {
        return new ProjectionReport(projection.token(), projection.bytesPerSecond(), 1, plan.context() / 2.0);
    }

    /** What is planned, in one line. */
    String title() {
        return String.format(
                Locale.ROOT,
                "%s, %.2f billion weights, context of %d tokens, cache for %d in %s, steps of %d",
                plan.model(),
                plan.weights() / BILLION,
                plan.context(),
                plan.cacheTokens(),
                kv(),
                plan.batch());
    }

    private String kv() {
        return plan.keyType() == plan.valueType()
                ? plan.keyType().id()
                : "keys " + plan.keyType().id() + ", values " + plan.valueType().id();
    }

    /** Where the bytes of the file beyond the bits in the types' names come from. */
    String overhead() {
        StoredType main = plan.types().getFirst();
        double nominal = 8.0 * main.nominalBytes() / main.weights();
        long pure = (long) (plan.weights() * nominal / 8);
        return String.format(
                Locale.ROOT,
                "%.0f bit%s per weight alone would be %s; the file's weights have %s (%.2f bits): %s for scales and offsets, %s"
                        + " for types with other bits",
                nominal,
                nominal == 1 ? "" : "s",
                gigabytes(pure),
                gigabytes(plan.fileBytes()),
                8.0 * plan.fileBytes() / plan.weights(),
                gigabytes(plan.types().stream()
                        .mapToLong(type -> type.bytes() - type.nominalBytes())
                        .sum()),
                gigabytes(plan.types().stream()
                                .mapToLong(StoredType::nominalBytes)
                                .sum()
                        - pure));
    }

    private static String gigabytes(long bytes) {
        return String.format(Locale.ROOT, "%.2f GB", bytes / BILLION);
    }

    /** The weights of each type. */
    Table typeTable() {
        Table table =
                new Table("type", ">tensors", ">weights", ">bits per weight", ">in the file", ">scales and offsets");
        for (StoredType type : plan.types()) {
            table.row(
                    type.type(),
                    String.valueOf(type.tensors()),
                    String.valueOf(type.weights()),
                    String.format(Locale.ROOT, "%.4g", type.bitsPerWeight()),
                    Bytes.text(type.bytes()),
                    Bytes.text(type.bytes() - type.nominalBytes()));
        }
        return table;
    }

    /** What each device holds. */
    Table deviceTable() {
        Table table = new Table(
                "device", ">layers", ">weights", ">KV cache", ">scratch", ">sum", ">reserve", ">memory", ">left");
        for (DevicePart part : plan.devices()) {
            table.row(
                    part.device(),
                    String.valueOf(part.layers()),
                    Bytes.text(part.weights()),
                    Bytes.text(part.kvCache()),
                    Bytes.text(part.scratch()),
                    Bytes.text(part.total()),
                    Bytes.text(part.reserved()),
                    Bytes.text(part.available() + part.reserved()),
                    (part.left() < 0 ? "-" : "") + Bytes.text(Math.abs(part.left())));
        }
        return table;
    }

    /** Whether it fits; if not, what would do. */
    String verdict() {
        if (plan.fits()) {
            return "It fits.";
        }
        String missing = plan.missing().entrySet().stream()
                .map(entry -> entry.getKey() + " lacks " + Bytes.text(entry.getValue()))
                .collect(Collectors.joining(", "));
        return "It does not fit: " + missing + "."
                + plan.advice().stream().map(line -> "\n  would fit: " + line).collect(Collectors.joining());
    }

    /** The longest contexts. */
    Table contextTable() {
        Table table = new Table("KV cache", ">longest context that fits", "");
        for (ContextLimit limit : plan.contexts()) {
            table.row(
                    limit.type().id(),
                    limit.tokens() == 0 ? "none" : String.valueOf(limit.tokens()),
                    limit.tokens() > plan.trainedContext() ? "the model was trained on " + plan.trainedContext() : "");
        }
        return table;
    }

    /** All of it for programs; sizes are in bytes. */
    Map<String, Object> json() {
        Map<String, Object> json = Json.object(
                "model", plan.model(),
                "weights", plan.weights(),
                "file_bytes", plan.fileBytes(),
                "types", plan.types().stream().map(PlanReport::json).toList(),
                "context", plan.context(),
                "trained_context", plan.trainedContext(),
                "cache_tokens", plan.cacheTokens(),
                "batch", plan.batch(),
                "kv_k", plan.keyType().id(),
                "kv_v", plan.valueType().id(),
                "kv_bytes_per_token", plan.kvBytesPerToken());
        json.put("devices", plan.devices().stream().map(PlanReport::json).toList());
        json.put("reason", plan.reason());
        json.put("fits", plan.fits());
        json.put("missing", plan.missing());
        Map<String, Object> contexts = Json.object();
        plan.contexts().forEach(limit -> contexts.put(limit.type().id(), limit.tokens()));
        json.put("longest_context", contexts);
        json.put("advice", List.copyOf(plan.advice()));
        ModelPlan.Projection projection = plan.projection();
        if (projection != null) {
            json.put("projection", report(projection).json());
        }
        return json;
    }

    private static Map<String, Object> json(StoredType type) {
        return Json.object(
                "type", type.type(),
                "tensors", type.tensors(),
                "weights", type.weights(),
                "bytes", type.bytes(),
                "nominal_bytes", type.nominalBytes(),
                "bits_per_weight", type.bitsPerWeight());
    }

    private static Map<String, Object> json(DevicePart part) {
        return Json.object(
                "device", part.device(),
                "holds", part.holds(),
                "first_layer", part.firstLayer(),
                "layers", part.layers(),
                "weights", part.weights(),
                "kv_cache", part.kvCache(),
                "scratch", part.scratch(),
                "total", part.total(),
                "reserve", part.reserved(),
                "available", part.available(),
                "left", part.left());
    }
}
