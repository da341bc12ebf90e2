package dev.nibble.quantize;

import dev.nibble.gguf.Metadata;
import dev.nibble.quant.Importance;
import dev.nibble.quantize.QuantizationPlan.ImportanceFile;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The metadata of a quantized file: those of the file that it was made of, and how. The keys are those of llama.cpp. */
public final class QuantizedMetadata {
    /** Of the block formats as ggml has had them since it last changed them. */
    private static final int QUANTIZATION_VERSION = 2;

    private static final String IMPORTANCE = "quantize.imatrix.";

    /** What would no longer be true. */
    private static final List<String> DROPPED = List.of(
            "split.no",
            "split.count",
            "split.tensors.count",
            IMPORTANCE + "file",
            IMPORTANCE + "dataset",
            IMPORTANCE + "entries_count",
            IMPORTANCE + "chunks_count");

    private QuantizedMetadata() {}

    /** The metadata of a file quantized so. */
    public static Metadata of(Metadata source, Mix mix, @Nullable ImportanceFile importance) {
        Metadata.Builder metadata = source.toBuilder();
        DROPPED.forEach(metadata::remove);
        metadata.uint32("general.file_type", mix.fileType());
        metadata.uint32("general.quantization_version", QUANTIZATION_VERSION);
        if (importance != null) {
            Importance content = importance.content();
            metadata.string(IMPORTANCE + "file", importance.path().getFileName().toString())
                    .string(IMPORTANCE + "dataset", String.join(", ", content.datasets()))
                    .uint32(IMPORTANCE + "entries_count", content.tensors().size())
                    .uint32(IMPORTANCE + "chunks_count", content.chunks());
        }
        return metadata.build();
    }
}
