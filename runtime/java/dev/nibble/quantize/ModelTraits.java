package dev.nibble.quantize;

import dev.nibble.gguf.GgufFile;
import dev.nibble.gguf.Metadata;

/**
 * What mixes want to know of a model.
 *
 * @param layers its blocks
 * @param sharing query heads that share a key and value head, in the first layer
 * @param experts 0 for a dense model
 * @param tied whether the token embedding is the output matrix as well
 * @param weighted whether there is importance of columns
 */
record ModelTraits(int layers, int sharing, int experts, boolean tied, boolean weighted) {
    static ModelTraits of(GgufFile file, boolean weighted) {
        Metadata metadata = file.metadata();
        String prefix = metadata.stringOr("general.architecture", "") + ".";
        int heads = first(metadata, prefix + "attention.head_count");
        int kvHeads = first(metadata, prefix + "attention.head_count_kv");
        return new ModelTraits(
                metadata.intOr(prefix + "block_count", 0),
                kvHeads == 0 ? 1 : heads / kvHeads,
                metadata.intOr(prefix + "expert_count", 0),
                file.find("output.weight").isEmpty(),
                weighted);
    }

    /** A number that some models have once, some per layer. */
    private static int first(Metadata metadata, String key) {
        if (!metadata.contains(key)) {
            return 0;
        }
        if (!metadata.isArray(key)) {
            return metadata.requireInt(key);
        }
        int[] perLayer = metadata.ints(key);
        return perLayer.length == 0 ? 0 : perLayer[0];
    }
}
