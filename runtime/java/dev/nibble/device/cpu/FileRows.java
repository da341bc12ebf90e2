package dev.nibble.device.cpu;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;

/**
 * Rows of weights as a file stores them, copied to the Java heap: packing begins before it is compiled, and plain arrays are quick from
 * the start. Blocks of all types but MXFP4 are whole numbers of 16 bits, and only bytes of that are read. Offsets are in bytes and count
 * from a chosen position.
 */
final class FileRows {
    private short[] halves = new short[0];
    private int position;

    /** Takes rows over. */
    void copy(MemorySegment rows) {
        int count = Math.toIntExact(rows.byteSize() / Short.BYTES);
        if (halves.length <= count) {
            halves = Arrays.copyOf(halves, count + 1);
        }
        MemorySegment.copy(rows, ValueLayout.JAVA_SHORT_UNALIGNED, 0, halves, 0, count);
        if (rows.byteSize() % Short.BYTES != 0) {
            halves[count] = rows.get(ValueLayout.JAVA_BYTE, rows.byteSize() - 1);
        }
    }

    /** Chooses the position that offsets count from. */
    void position(long offset) {
        position = Math.toIntExact(offset);
    }

    /** 8 bits, at any offset. */
    int octet(int offset) {
        int at = position + offset;
        return halves[at >> 1] >>> 8 * (at & 1) & 0xff;
    }

    /** 16 bits. */
    int half(int offset) {
        return halves[position + offset >> 1];
    }

    /** 32 bits. */
    int word(int offset) {
        int at = position + offset >> 1;
        return halves[at] & 0xffff | halves[at + 1] << 16;
    }

    /** 64 bits. */
    long doubleWord(int offset) {
        return word(offset) & 0xffffffffL | (long) word(offset + Integer.BYTES) << 32;
    }
}
