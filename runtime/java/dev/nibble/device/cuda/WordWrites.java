package dev.nibble.device.cuda;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.nibble.foreign.CudaGrid;
import dev.nibble.foreign.CudaLaunch;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Few words for several places in device memory, which one launch writes: {@code writes.cu}. They are arguments of the launch, so that
 * neither pinned memory nor a copy is needed. Used by the thread that holds the device's lock.
 */
final class WordWrites {
    private static final String KERNEL = "write_words";

    /** {@code MOST_PLACES} and {@code MOST_WORDS} of {@code writes.cu}. */
    private static final int MOST_PLACES = 8;

    private static final int MOST_WORDS = 224;

    private static final long ENDS = MOST_PLACES * JAVA_LONG.byteSize();
    private static final long WORDS = ENDS + MOST_PLACES * JAVA_INT.byteSize();

    private final CudaDevice device;

    /** A pointer to the kernel's only argument, and behind it that argument: places, ends, words. */
    private final MemorySegment arguments = Arena.ofAuto()
            .allocate(JAVA_LONG.byteSize() + WORDS + MOST_WORDS * JAVA_INT.byteSize(), JAVA_LONG.byteSize());

    private final MemorySegment writes = arguments.asSlice(JAVA_LONG.byteSize());
    private int places;
    private int words;

    WordWrites(CudaDevice device) {
        this.device = device;
        arguments.set(JAVA_LONG, 0, writes.address());
    }

    /** Whether this many words can be among others. */
    static boolean fits(MemorySegment source) {
        return source.byteSize() <= MOST_WORDS * JAVA_INT.byteSize();
    }

    /** Adds words for a place; those before are enqueued if there is no more room. */
    void add(long place, MemorySegment source, long stream) {
        int count = (int) (source.byteSize() / JAVA_INT.byteSize());
        if (places == MOST_PLACES || words + count > MOST_WORDS) {
            enqueue(stream);
        }
        MemorySegment.copy(source, 0, writes, WORDS + words * JAVA_INT.byteSize(), source.byteSize());
        words += count;
        writes.set(JAVA_LONG, places * JAVA_LONG.byteSize(), place);
        writes.set(JAVA_INT, ENDS + places * JAVA_INT.byteSize(), words);
        places++;
    }

    /** Enqueues the launch that writes all that was added, if anything was. */
    void enqueue(long stream) {
        if (places == 0) {
            return;
        }
        for (int i = places; i < MOST_PLACES; i++) {
            writes.set(JAVA_INT, ENDS + i * JAVA_INT.byteSize(), words);
        }
        places = 0;
        words = 0;
        long kernel = device.programs().kernel("writes", KERNEL);
        device.launch(
                new KernelLaunch(
                        KERNEL, new CudaLaunch(kernel, CudaGrid.of(1, 1), CudaGrid.of(MOST_WORDS, 1), 0, arguments)),
                stream);
    }
}
