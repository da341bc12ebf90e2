package dev.nibble.cli;

import dev.nibble.TokenProjection;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.stream.Collectors;

/**
 * A projection for people and for programs.
 *
 * @param projection of a model onto devices
 * @param bytesPerSecond that each device reads at best
 * @param share of that which it reaches; 1: what is given is the limit
 * @param tokens in the cache
 */
public record ProjectionReport(TokenProjection projection, List<Double> bytesPerSecond, double share, double tokens) {
    private static final double GIGA = 1e9;
    private static final double MILLIS = 1e3;
    private static final double MICROS = 1e6;

    /** One line. */
    public String text() {
        int devices = projection.byLayers().size();
        return String.format(
                Locale.ROOT,
                "projection (a model, not a measurement) for %d layers on %d device%s: a token reads %s, and what %.0f tokens have"
                        + " in the cache; at %s of %s GB/s that takes %s",
                projection.layers(),
                devices,
                devices == 1 ? "" : "s",
                weights(),
                tokens,
                share == 1 ? "all" : String.format(Locale.ROOT, "the measured %.3f", share),
                bytesPerSecond.stream()
                        .map(speed -> String.format(Locale.ROOT, "%.1f", speed / GIGA))
                        .collect(Collectors.joining(" : ")),
                times(devices));
    }

    private String weights() {
        String dense = String.format(
                Locale.ROOT, "%d dense layers %.2f", projection.denseLayers(), projection.denseBytes() / GIGA);
        String experts = projection.expertBytes() == 0
                ? ""
                : String.format(
                        Locale.ROOT,
                        " + %d layers with experts %.2f",
                        projection.layers() - projection.denseLayers(),
                        projection.expertBytes() / GIGA);
        return String.format(
                Locale.ROOT,
                "%s%s + output %.2f = %.2f GB of weights",
                dense,
                experts,
                projection.outputBytes() / GIGA,
                projection.bytes() / GIGA);
    }

    private String times(int devices) {
        double layers = projection.layerSeconds(bytesPerSecond, share, tokens);
        if (devices == 1) {
            return time(layers);
        }
        double exchange = TokenProjection.ASSUMED_EXCHANGE_SECONDS * MICROS;
        String byLayers = String.format(
                Locale.ROOT,
                "%s by layers with %d cop%s of %.0f us",
                time(layers),
                devices - 1,
                devices == 2 ? "y" : "ies",
                exchange);
        OptionalDouble tensors = projection.tensorSeconds(bytesPerSecond, share, tokens);
        return tensors.isEmpty()
                ? byLayers
                : String.format(
                        Locale.ROOT,
                        "%s, %s by tensors with %d all-reduces of %.0f us (assumed)",
                        byLayers,
                        time(tensors.getAsDouble()),
                        projection.exchanges(),
                        exchange);
    }

    private static String time(double seconds) {
        return String.format(Locale.ROOT, "%.3g ms (%.3g tokens/s)", seconds * MILLIS, 1 / seconds);
    }

    /** The same for programs. */
    public Map<String, Object> json() {
        double layers = projection.layerSeconds(bytesPerSecond, share, tokens);
        OptionalDouble tensors = projection.tensorSeconds(bytesPerSecond, share, tokens);
        Map<String, Object> json = Json.object(
                "kind", "projection by bytes over bandwidth and share, not measured",
                "layers", projection.layers(),
                "dense_layers", projection.denseLayers(),
                "devices", projection.byLayers().size(),
                "dense_bytes_per_token", projection.denseBytes(),
                "expert_bytes_per_token", projection.expertBytes(),
                "output_bytes_per_token", projection.outputBytes(),
                "cached_tokens", tokens,
                "bytes_per_second", bytesPerSecond,
                "share_of_roofline", share,
                "assumed_exchange_microseconds", TokenProjection.ASSUMED_EXCHANGE_SECONDS * MICROS);
        json.put("layer_split_tokens_per_second", 1 / layers);
        if (tensors.isPresent()) {
            json.put("tensor_split_tokens_per_second", 1 / tensors.getAsDouble());
        }
        return json;
    }
}
