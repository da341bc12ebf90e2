package dev.nibble.simulator;

/**
 * Where the elements of a matrix lie in a warp's fragments for {@code mma.m16n8kN}, after the formulas of the PTX ISA: element i of
 * a lane's fragment, low to high, by the bytes of an element.
 */
final class Fragments {
    private Fragments() {}

    /** Element i of A: its row. */
    static int rowOfA(int lane, int i, int bytes) {
        int group = lane >> 2;
        if (bytes == 1) {
            return i < 4 || i >= 8 && i < 12 ? group : group + 8;
        }
        return i < 2 || i >= 4 && i < 6 ? group : group + 8;
    }

    /** Element i of A: its column. */
    static int columnOfA(int lane, int i, int bytes) {
        int inGroup = lane % 4;
        return bytes == 1 ? inGroup * 4 + (i & 3) + (i >= 8 ? 16 : 0) : inGroup * 2 + (i & 1) + (i >= 4 ? 8 : 0);
    }

    /** Element i of B: its row. */
    static int rowOfB(int lane, int i, int bytes) {
        int inGroup = lane % 4;
        return bytes == 1 ? inGroup * 4 + (i & 3) + (i >= 4 ? 16 : 0) : inGroup * 2 + (i & 1) + (i >= 2 ? 8 : 0);
    }

    /** Element of B: its column. */
    static int columnOfB(int lane) {
        return lane >> 2;
    }

    /** Element i of C or D: its row. */
    static int rowOfSum(int lane, int i) {
        return i < 2 ? lane >> 2 : (lane >> 2) + 8;
    }

    /** Element i of C or D: its column. */
    static int columnOfSum(int lane, int i) {
        return lane % 4 * 2 + (i & 1);
    }
}
