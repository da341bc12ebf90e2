package dev.nibble.device.opencl;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.nibble.device.Buffer;
import dev.nibble.device.ElementType;
import dev.nibble.device.NeedsOpenCl;
import dev.nibble.device.Operation;
import dev.nibble.device.RowCount;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** The disk cache of compiled kernels. */
class ProgramCacheTest {
    private static final byte[] CODE = {1, 2, 3};

    @TempDir
    private Path folder;

    private List<Path> files() throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.toList();
        }
    }

    @Test
    void givesBackWhatWasPut() throws IOException {
        ProgramCache cache = new ProgramCache(folder.resolve("made/when/needed"));
        assertEquals(Optional.empty(), cache.get("a"));
        cache.put("a", CODE);
        assertArrayEquals(CODE, cache.get("a").orElseThrow());
        assertEquals(Optional.empty(), cache.get("b"));
        cache.put("a", new byte[0]);
        assertArrayEquals(new byte[0], cache.get("a").orElseThrow());
    }

    @Test
    void leavesNoPartsOfFiles() throws IOException {
        ProgramCache cache = new ProgramCache(folder);
        cache.put("a", CODE);
        cache.put("a", CODE);
        assertEquals(List.of(folder.resolve("a.bin")), files());
    }

    @Test
    void ignoresDamagedFiles() throws IOException {
        ProgramCache cache = new ProgramCache(folder);
        cache.put("a", CODE);
        byte[] whole = Files.readAllBytes(folder.resolve("a.bin"));
        for (int length = 0; length < whole.length; length++) {
            Files.write(folder.resolve("a.bin"), Arrays.copyOf(whole, length));
            assertEquals(Optional.empty(), cache.get("a"), "of " + length + " bytes");
        }
        for (int at = 0; at < whole.length; at++) {
            byte[] damaged = whole.clone();
            damaged[at] ^= 4;
            Files.write(folder.resolve("a.bin"), damaged);
            assertEquals(Optional.empty(), cache.get("a"), "byte " + at);
        }
        cache.put("a", CODE);
        assertArrayEquals(CODE, cache.get("a").orElseThrow());
    }

    @Test
    void worksWithoutAFolder() throws IOException {
        Path file = Files.writeString(folder.resolve("file"), "in the way");
        for (ProgramCache cache : new ProgramCache[] {new ProgramCache(null), new ProgramCache(file)}) {
            cache.put("a", CODE);
            assertEquals(Optional.empty(), cache.get("a"));
        }
        assertEquals("in the way", Files.readString(file));
    }

    /** Programs compiled, from the cache, and from a damaged cache give the same results. */
    @Test
    @ExtendWith(NeedsOpenCl.class)
    void devicesUseIt() throws IOException {
        System.setProperty(OpenClProperties.CACHE, folder.toString());
        try {
            assertEquals(7, argMax());
            List<Path> files = files();
            assertEquals(1, files.size());
            byte[] kept = Files.readAllBytes(files.getFirst());
            assertTrue(kept.length > 100, kept.length + " bytes");
            assertEquals(7, argMax());
            Files.write(files.getFirst(), new byte[1000]);
            assertEquals(7, argMax());
            assertEquals(files, files());
            assertTrue(Files.size(files.getFirst()) > 1000);
        } finally {
            System.clearProperty(OpenClProperties.CACHE);
        }
    }

    /** PoCL keeps kernels by itself, and would compile all of a program to give its code. */
    @Test
    @ExtendWith(NeedsOpenCl.class)
    void aDriverThatKeepsProgramsIsNotAskedForThem() {
        DeviceTraits device = OpenClPlatforms.system().devices().getFirst();
        assertEquals(device.platformName().contains("Portable Computing"), device.keepsPrograms());
        ProgramCache cache = ProgramCache.of(device);
        assertEquals(!device.keepsPrograms(), cache.keeps());
    }

    private static int argMax() {
        try (OpenClDevice device = OpenClDevice.open(OpenClPlatforms.system(), 0);
                Buffer live = device.allocate(ElementType.I32, 1, 1);
                Buffer x = device.allocate(ElementType.F32, 1, 40);
                Buffer ids = device.allocate(ElementType.I32, 1, 1)) {
            float[] values = new float[40];
            values[7] = 1;
            device.queue().write(live, 0, MemorySegment.ofArray(new int[] {1}));
            device.queue().write(x, 0, MemorySegment.ofArray(values));
            device.queue().submit(device.prepare(List.of(new Operation.ArgMax(new RowCount(live, 1), x, ids))));
            int[] id = new int[1];
            device.queue().read(ids, 0, MemorySegment.ofArray(id));
            return id[0];
        }
    }
}
