package dev.nibble;

import java.util.List;
import java.util.Locale;

/**
 * What a model is and where it runs.
 *
 * @param name the model's name for people
 * @param architecture its family, as {@code general.architecture} names it
 * @param type how most of its weights are stored, e.g. {@code q4_0}; of made-up weights, the mixture that was asked for
 * @param parameters its number of weights
 * @param fileBytes bytes of its weights in the file
 * @param weightBytes bytes of its weights on its devices
 * @param vocabulary tokens that it knows
 * @param trainedContext tokens that it was trained on at once
 * @param context tokens that a sequence can have here
 * @param cacheTokens tokens that the KV cache holds for all sequences together
 * @param batch the most tokens that are computed in one step
 * @param device the device's name; those of several with commas between them
 * @param deviceDescription one line on the device; on several, with the layers that each has
 * @param threads worker threads of a device that runs on the CPU, else 0
 * @param memory the planned memory, one line
 * @param weightBytesPerToken bytes of weights that one decoded token reads
 * @param kvBytesPerToken bytes that the KV cache holds for each token
 * @param scratchBytes bytes of the activations of the largest step
 * @param multiplyAddsPerToken products that one token of a prompt takes, without those of the output matrix
 */
public record ModelInfo(
        String name,
        String architecture,
        String type,
        long parameters,
        long fileBytes,
        long weightBytes,
        int vocabulary,
        int trainedContext,
        int context,
        int cacheTokens,
        int batch,
        String device,
        String deviceDescription,
        int threads,
        String memory,
        long weightBytesPerToken,
        long kvBytesPerToken,
        long scratchBytes,
        long multiplyAddsPerToken) {
    /** The device's name for reports, which say where it is no hardware. */
    public String deviceLabel() {
        return label(device, deviceDescription);
    }

    /** The name of one of its devices for reports. */
    public String deviceLabel(String name) {
        int index = List.of(device.split(",")).indexOf(name);
        String[] descriptions = deviceDescription.split("; (?=layer|routed)");
        return label(name, 0 <= index && index < descriptions.length ? descriptions[index] : deviceDescription);
    }

    private static String label(String name, String description) {
        return description.toLowerCase(Locale.ROOT).contains("simulated") ? name + " (simulated)" : name;
    }

    /** The bytes that the model takes on its devices when it is opened for sequences of so many tokens. */
    public long bytesFor(int contextLength) {
        return weightBytes + ModelOptions.cacheTokens(contextLength) * kvBytesPerToken + scratchBytes;
    }
}
