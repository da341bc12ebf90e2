package dev.nibble.model;

/**
 * Attention whose keys and values are made of one latent vector per token, shared by all heads (multi-head latent attention,
 * DeepSeek-AI, 2024). A head's query and key have a plain part, which the latent vector gives, and a part that is turned by its position;
 * the turned part of the key is shared by all heads as well.
 *
 * @param queryRank values of the vector that queries are made of; 0: they are made of the layer's input
 * @param rank values of the latent vector
 * @param plain values of the plain part of a head's query and key
 * @param turned values of the turned part
 */
public record LatentConfig(int queryRank, int rank, int plain, int turned) {
    /** @param keySize values of a head's query */
    static LatentConfig of(ModelKeys keys, int keySize) {
        int turned = keys.positive("rope.dimension_count");
        if (turned >= keySize) {
            throw keys.invalid("rope.dimension_count", turned + " leaves no plain part of queries of " + keySize);
        }
        return new LatentConfig(
                keys.countOr("attention.q_lora_rank", 0, 1 << 24),
                keys.positive("attention.kv_lora_rank"),
                keySize - turned,
                turned);
    }
}
