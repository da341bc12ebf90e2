package dev.nibble.engine;

import dev.nibble.device.Buffer;
import dev.nibble.device.Device;
import dev.nibble.device.ElementType;
import dev.nibble.device.Resources;
import dev.nibble.model.LatentConfig;
import java.lang.foreign.MemorySegment;

/** The buffers of latent attention; n is the number of rows, m the number of outputs. */
final class LatentBuffers implements AutoCloseable {
    /** (n, queryRank): what queries are made of; they may be made of the layer's input instead. */
    final Buffer queryLow;
    /** Q8 (n, queryRank). */
    final Buffer queryLowQuantized;
    /** (n, heads × plain): the plain parts of queries. */
    final Buffer queryPlain;
    /** Q8 (n, heads × plain). */
    final Buffer queryPlainQuantized;
    /** (n, heads × turned): the turned parts of queries. */
    final Buffer queryTurned;
    /** (n, rank): the latent vectors. */
    final Buffer latent;
    /** (n, turned): the turned part of keys. */
    final Buffer keyTurned;
    /** (n, heads × rank): the plain parts of queries in the space of latent vectors. */
    final Buffer queryLatent;
    /** (n, heads × rank): what attention gives. */
    final Buffer attended;
    /** Q8 (n, heads × rank). */
    final Buffer attendedQuantized;
    /** (m, heads × rank): the same of the rows that give logits. */
    final Buffer outputAttended;
    /** I32 (n, heads): 0, 1, 2 … in each row, the matrices of the parts of a row. */
    final Buffer heads;

    private final Resources all = new Resources();
    private final Device device;

    LatentBuffers(Device device, LatentConfig latent, int heads, int n, int m) {
        this.device = device;
        queryLow = allocate(ElementType.F32, n, latent.queryRank());
        queryLowQuantized = allocate(ElementType.Q8, n, latent.queryRank());
        queryPlain = allocate(ElementType.F32, n, heads * latent.plain());
        queryPlainQuantized = allocate(ElementType.Q8, n, heads * latent.plain());
        queryTurned = allocate(ElementType.F32, n, heads * latent.turned());
        this.latent = allocate(ElementType.F32, n, latent.rank());
        keyTurned = allocate(ElementType.F32, n, latent.turned());
        queryLatent = allocate(ElementType.F32, n, heads * latent.rank());
        attended = allocate(ElementType.F32, n, heads * latent.rank());
        attendedQuantized = allocate(ElementType.Q8, n, heads * latent.rank());
        outputAttended = allocate(ElementType.F32, m, heads * latent.rank());
        this.heads = allocate(ElementType.I32, n, heads);
        int[] numbers = new int[n * heads];
        for (int i = 0; i < numbers.length; i++) {
            numbers[i] = i % heads;
        }
        device.queue().write(this.heads, 0, MemorySegment.ofArray(numbers));
    }

    /** The memory that they take, within a few percent. */
    static long estimateBytes(LatentConfig latent, int heads, int n, int m) {
        long wide = (long) heads * latent.rank();
        long plain = (long) heads * latent.plain();
        long floats = latent.queryRank() + plain + (long) (heads + 1) * latent.turned() + latent.rank() + 2 * wide;
        long quantized = latent.queryRank() + plain + wide;
        return n * (floats * Float.BYTES + quantized * 5 / 4 + (long) heads * Integer.BYTES) + m * wide * Float.BYTES;
    }

    @Override
    public void close() {
        all.close();
    }

    private Buffer allocate(ElementType type, int rows, int width) {
        try {
            return all.own(StepBuffers.allocate(device, type, rows, width));
        } catch (RuntimeException | Error e) {
            all.closeAfter(e);
            throw e;
        }
    }
}
