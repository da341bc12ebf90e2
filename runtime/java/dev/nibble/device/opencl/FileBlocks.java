package dev.nibble.device.opencl;

import dev.nibble.gguf.TensorType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/** A row of a weight as the model file stores it, read from where a panel of 256 columns begins. */
final class FileBlocks {
    private static final VarHandle HALF = MethodHandles.byteArrayViewVarHandle(short[].class, ByteOrder.LITTLE_ENDIAN);
    private static final VarHandle WORD = MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);

    private final TensorType type;
    private final byte[] bytes;
    private int start;

    /** Makes room for a row of this many bytes. */
    FileBlocks(TensorType type, int rowBytes) {
        this.type = type;
        this.bytes = new byte[rowBytes];
    }

    /** Reads a row. */
    void row(MemorySegment rows, long offset) {
        MemorySegment.copy(rows, ValueLayout.JAVA_BYTE, offset, bytes, 0, bytes.length);
    }

    /** Goes to the panel that begins with this column. */
    void panel(int column) {
        start = Math.toIntExact(type.rowBytes(column));
    }

    /** The byte at an offset, without its sign. */
    int octet(int at) {
        return bytes[start + at] & 0xff;
    }

    /** The 16 bits at an offset. */
    int half(int at) {
        return (short) HALF.get(bytes, start + at) & 0xffff;
    }

    /** The 32 bits at an offset. */
    int word(int at) {
        return (int) WORD.get(bytes, start + at);
    }
}
