package dev.nibble.evaluation;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.nibble.LanguageModel;
import dev.nibble.ModelFile;
import dev.nibble.ModelOptions;
import dev.nibble.gguf.GgufFile;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A model with a weight that is no number, in its last norm. */
final class DamagedModelTest {
    @TempDir
    private Path folder;

    private Path path;

    @BeforeEach
    void damage() throws IOException {
        path = folder.resolve("damaged.gguf");
        ModelFile.copyDemo(path);
        byte[] bytes = Files.readAllBytes(path);
        int place;
        try (GgufFile file = GgufFile.open(path)) {
            place = find(bytes, file.data(file.tensor("output_norm.weight")));
        }
        ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).putFloat(place, Float.NaN);
        Files.write(path, bytes);
    }

    private static int find(byte[] bytes, MemorySegment part) {
        MemorySegment whole = MemorySegment.ofArray(bytes);
        int place = 0;
        while (whole.asSlice(place, part.byteSize()).mismatch(part) >= 0) {
            place++;
        }
        return place;
    }

    @Test
    void isRefusedAndLeavesNoFile() throws IOException {
        Path saved = folder.resolve("saved");
        Calibration calibration = new Calibration();
        ModelOptions options = ModelOptions.builder().observer(calibration).build();
        try (LanguageModel model = LanguageModel.open(path, options)) {
            TextWindows windows = TextWindows.of(model, SampleText.read(), 32, 3);
            PerplexityOptions save = new PerplexityOptions(saved, null, (done, total, perplexity) -> {});
            IOException refusal = assertThrows(IOException.class, () -> Perplexity.measure(model, windows, save));
            assertTrue(refusal.getMessage().contains("are no numbers"), refusal.getMessage());
        }
        IOException refusal = assertThrows(IOException.class, () -> calibration.write(folder.resolve("importance")));
        assertTrue(refusal.getMessage().contains("output.weight"), refusal.getMessage());
        try (Stream<Path> left = Files.list(folder)) {
            assertEquals(List.of(path), left.toList());
        }
    }
}
