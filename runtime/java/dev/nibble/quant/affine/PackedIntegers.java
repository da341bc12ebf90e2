package dev.nibble.quant.affine;

import java.util.Objects;

/**
 * Signed integers of 8, 4 or 2 bits, packed: one, two or four to a byte in two's complement, the first in the lowest bits.
 *
 * <p>Integers that share a byte must not be written by two threads at once.
 */
public final class PackedIntegers {
    private final IntegerWidth width;
    private final int length;
    private final byte[] bytes;

    /** Makes room for integers, all 0. */
    public PackedIntegers(IntegerWidth width, int length) {
        if (length < 0) {
            throw new IllegalArgumentException("there are no " + length + " integers");
        }
        this.width = width;
        this.length = length;
        this.bytes = new byte[Math.ceilDiv(length, perByte())];
    }

    /** The width of an integer. */
    public IntegerWidth width() {
        return width;
    }

    /** The number of integers. */
    public int length() {
        return length;
    }

    /** The integer at an index. */
    public int get(int index) {
        Objects.checkIndex(index, length);
        int unused = Integer.SIZE - width.bits();
        return bytes[index / perByte()] >> shift(index) << unused >> unused;
    }

    /**
     * Stores an integer.
     *
     * @throws IllegalArgumentException if it is beyond the width
     */
    public void set(int index, int integer) {
        Objects.checkIndex(index, length);
        if (integer < width.least() || integer > width.greatest()) {
            throw new IllegalArgumentException(integer + " is not within " + width.least() + " … " + width.greatest());
        }
        int mask = (1 << width.bits()) - 1 << shift(index);
        int at = index / perByte();
        bytes[at] = (byte) (bytes[at] & ~mask | integer << shift(index) & mask);
    }

    /** The packed bytes, those of this object. */
    public byte[] bytes() {
        return bytes;
    }

    private int perByte() {
        return Byte.SIZE / width.bits();
    }

    private int shift(int index) {
        return index % perByte() * width.bits();
    }
}
