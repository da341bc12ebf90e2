package dev.nibble.device.opencl;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/**
 * A tile while it is packed: {@code opencl-kernels/blocks.cl} tells where in it what lies. It is written a row of a panel at a time, to
 * lines of one number for each of its 32 rows.
 */
final class PanelLines {
    /** Rows of a tile. */
    static final int ROWS = 32;

    /** Columns of a panel. */
    static final int COLUMNS = 256;

    /** Columns of a block. */
    static final int BLOCK = 32;

    /** Bytes of a line of 16 bits for each row. */
    static final int LINE = ROWS * Short.BYTES;

    private static final VarHandle HALF = MethodHandles.byteArrayViewVarHandle(short[].class, ByteOrder.LITTLE_ENDIAN);
    private static final VarHandle WORD = MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);

    private final byte[] bytes;
    private int start;
    private int row;

    /** Makes room for a tile of this many bytes. */
    PanelLines(int tileBytes) {
        this.bytes = new byte[tileBytes];
    }

    /** What was written. */
    byte[] bytes() {
        return bytes;
    }

    /** Goes to a row of the panel that begins at this byte of the tile. */
    void position(int panel, int row) {
        this.start = panel;
        this.row = row;
    }

    /** Writes eight bits of the row to the line at this offset of the panel. */
    void octet(int line, int bits) {
        bytes[start + line + row] = (byte) bits;
    }

    /** Writes 16 bits of the row. */
    void half(int line, int bits) {
        HALF.set(bytes, start + line + row * Short.BYTES, (short) bits);
    }

    /** Writes 32 bits of the row. */
    void word(int line, int bits) {
        WORD.set(bytes, start + line + row * Integer.BYTES, bits);
    }
}
