package dev.nibble.engine;

/**
 * What one of a model's devices has to do for a token: its layers' part.
 *
 * @param device its name
 * @param weightBytes of weights that a decoded token reads
 * @param kvBytes that the KV cache there holds for each token
 * @param multiplyAdds products that a token of a prompt takes, without those of the output matrix
 */
public record DeviceWork(String device, long weightBytes, long kvBytes, long multiplyAdds) {}
