package dev.nibble.quantize;

import dev.nibble.gguf.GgufFile;
import dev.nibble.gguf.Metadata;

/**
 * What mixes want to know of a model.
 *
 * @param layers its blocks
 * @param sharing query heads that share a key and value head, in the first layer
 * @param large whether it is of those that llama.cpp calls 70B: what heads share there is a small part of the file
 * @param experts 0 for a dense model
 * @param tied whether the token embedding is the output matrix as well
 * @param weighted whether there is importance of columns
 */
record ModelTraits(int layers, int sharing, boolean large, int experts, boolean tied, boolean weighted) {
    private static final int LARGE_LAYERS = 80;

    static ModelTraits of(GgufFile file, boolean weighted) {
        return of(file.metadata(), file.find("output.weight").isEmpty(), weighted);
    }

    static ModelTraits of(Metadata metadata, boolean tied, boolean weighted) {
        String architecture = metadata.stringOr("general.architecture", "");
        String prefix = architecture + ".";
        int layers = metadata.intOr(prefix + "block_count", 0);
        int heads = first(metadata, prefix + "attention.head_count");
        int kvHeads = first(metadata, prefix + "attention.head_count_kv");
        int sharing = kvHeads == 0 ? 1 : heads / kvHeads;
        return new ModelTraits(
                layers,
                sharing,
                layers == LARGE_LAYERS && isLargeFamily(architecture, sharing),
                metadata.intOr(prefix + "expert_count", 0),
                tied,
                weighted);
    }

    private static boolean isLargeFamily(String architecture, int sharing) {
        return architecture.equals("qwen2") || architecture.equals("llama") && sharing > 1;
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
