package dev.nibble.device.cpu;

/**
 * Where the bits of a block of 32 columns lie in a chunk of a panel. The block's columns are taken as eight words with a byte for
 * each of four columns: word g, 0 … 3, of half block h has columns 16 h + 4 g + i in byte i. Its low bits are those of a stored
 * word, shifted right and masked; its high bits are those of another one.
 *
 * @param low the stored words of the low bits
 * @param lowMask which bits they are
 * @param high the stored words of the high bits
 * @param highMask which bits they are, none if there are no high bits
 * @param join how far left the high bits are put
 */
record BlockPlanes(Plane low, int lowMask, Plane high, int highMask, int join) {
    private static final int BIT = 0x01010101;
    private static final Plane NONE = new Plane(0, 0, 0, 0, 0, 0);

    /**
     * One of the planes.
     *
     * @param word the first stored word
     * @param wordStep words from g to g + 1
     * @param halfStep words from half block to half block
     * @param shift how far right the bits are shifted
     * @param shiftStep what is added to the shift from g to g + 1
     * @param halfShift what is added to the shift from half block to half block
     */
    record Plane(int word, int wordStep, int halfStep, int shift, int shiftStep, int halfShift) {}

    /** Two bits: byte i of word 4 h + g has those of four blocks, from bit 0 on. */
    static BlockPlanes[] twoBits() {
        BlockPlanes[] blocks = new BlockPlanes[4];
        for (int b = 0; b < 4; b++) {
            blocks[b] = new BlockPlanes(new Plane(0, 1, 4, 2 * b, 0, 0), 3 * BIT, NONE, 0, 0);
        }
        return blocks;
    }

    /**
     * Three bits of four blocks in twelve words: word 3 g + h has two bits of each block; byte i of word 3 g + 2 has the third, in
     * bits 0 … 3 for half block 0 of the four blocks, 4 … 7 for half block 1.
     */
    static BlockPlanes[] threeBits() {
        BlockPlanes[] blocks = new BlockPlanes[4];
        for (int b = 0; b < 4; b++) {
            blocks[b] = new BlockPlanes(new Plane(0, 3, 1, 2 * b, 0, 0), 3 * BIT, new Plane(2, 3, 0, b, 0, 4), BIT, 2);
        }
        return blocks;
    }

    /**
     * Five bits of a block in five words: byte i of word g has the low bits, half block 0 in its low half; bit 4 h + g of byte i of
     * the last word is the fifth.
     */
    static BlockPlanes[] fiveBits() {
        BlockPlanes[] blocks = new BlockPlanes[4];
        for (int b = 0; b < 4; b++) {
            blocks[b] = new BlockPlanes(
                    new Plane(5 * b, 1, 0, 0, 0, 4), 15 * BIT, new Plane(5 * b + 4, 0, 0, 0, 1, 4), BIT, 4);
        }
        return blocks;
    }

    /**
     * Six bits of four blocks in 24 words: word 12 h + 3 g has four bits of blocks 0, low half of each byte, and 2; the next one of
     * blocks 1 and 3; the one after it two high bits of each block.
     */
    static BlockPlanes[] sixBits() {
        BlockPlanes[] blocks = new BlockPlanes[4];
        for (int b = 0; b < 4; b++) {
            blocks[b] = new BlockPlanes(
                    new Plane(b % 2, 3, 12, b / 2 * 4, 0, 0), 15 * BIT, new Plane(2, 3, 12, 2 * b, 0, 0), 3 * BIT, 4);
        }
        return blocks;
    }
}
