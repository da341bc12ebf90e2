package dev.nibble.gguf;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import com.sun.management.ThreadMXBean;
import dev.nibble.InvalidModelException;
import dev.nibble.UnsupportedFeatureException;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Hostile files are only files: broken in tens of thousands of ways, each loads or is refused, in bounded time and memory. */
class GgufMutationTest {
    private static final int MUTATIONS_PER_FILE = 5_000;

    /** Each 50th is also read through the file system. */
    private static final int MAPPED_EVERY = 50;

    /** What reading a file may allocate, apart from what is in it. */
    private static final long FIXED_ALLOCATION = 16 << 10;

    /** Short keys in hash tables are what takes most per byte of the file. */
    private static final long ALLOCATION_PER_BYTE = 24;

    /** The refusals that the mutations must have met; otherwise they do not reach what they should. */
    private static final List<String> REFUSALS = List.of(
            "not a GGUF file",
            "big-endian",
            "GGUF version",
            "the number of tensors is",
            "the number of metadata keys is",
            "the array length of metadata key",
            "the length of a string of metadata key",
            "the file ends within",
            "nests arrays deeper than",
            "appears twice",
            "is empty",
            "are not UTF-8",
            "has type number",
            "has the type number",
            "holds a boolean of",
            "a power of two is wanted",
            "dimensions, the limit is",
            "negative dimension",
            "no multiple of the",
            "too large to count",
            "within the tensor before it",
            "not right behind the tensor before it",
            "truncated or damaged");

    private final ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    @TempDir
    Path folder;

    @Test
    @Timeout(120)
    void loadsOrRefuses() throws IOException {
        List<String> refusals = new ArrayList<>();
        int tried = 0;
        for (byte[] valid : GgufSamples.all(folder)) {
            assertEquals(Optional.empty(), GgufFuzz.refusal(valid));
            GgufMutator mutator = new GgufMutator(valid);
            for (int seed = 0; seed < MUTATIONS_PER_FILE; seed++, tried++) {
                byte[] broken = mutator.mutate(seed);
                try {
                    requireBoundedAllocation(broken);
                    GgufFuzz.refusal(broken).ifPresent(refusals::add);
                    if (seed % MAPPED_EVERY == 0) {
                        openMapped(broken);
                    }
                } catch (RuntimeException | Error e) {
                    fail("a valid file of " + valid.length + " bytes, mutated with seed " + seed, e);
                }
            }
        }
        assertTrue(tried >= 20_000, () -> "too few mutations");
        int loaded = tried - refusals.size();
        assertTrue(loaded > tried / 50, () -> "only " + loaded + " mutations loaded: they break too much");
        for (String message : REFUSALS) {
            assertTrue(refusals.stream().anyMatch(refusal -> refusal.contains(message)), () -> "never met: " + message);
        }
    }

    private void requireBoundedAllocation(byte[] bytes) {
        long bound = FIXED_ALLOCATION + ALLOCATION_PER_BYTE * bytes.length;
        // The first use of a line of code also pays for linking it: only what happens twice is the file's.
        if (allocated(bytes) > bound) {
            long allocated = allocated(bytes);
            assertTrue(allocated <= bound, () -> allocated + " bytes allocated for a file of " + bytes.length);
        }
    }

    private long allocated(byte[] bytes) {
        long before = threads.getCurrentThreadAllocatedBytes();
        try {
            GgufHeader.read(Path.of("fuzz.gguf"), MemorySegment.ofArray(bytes), 0);
        } catch (InvalidModelException | UnsupportedFeatureException e) {
            // What it costs to find out is what is measured.
        }
        return threads.getCurrentThreadAllocatedBytes() - before;
    }

    private void openMapped(byte[] bytes) throws IOException {
        Path path = Files.write(folder.resolve("broken.gguf"), bytes);
        try (GgufFile file = GgufFile.open(path)) {
            assertEquals(bytes.length, file.fileBytes());
            assertEquals(Optional.empty(), GgufFuzz.refusal(bytes));
        } catch (InvalidModelException | UnsupportedFeatureException e) {
            // A part of a split model is refused for want of the others only when it is opened as a file.
            assertTrue(
                    e.getMessage().contains("split.") || GgufFuzz.refusal(bytes).isPresent(), e::getMessage);
        }
    }
}
