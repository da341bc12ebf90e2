package dev.nibble.device;

/**
 * A device's place among several that have parts of the same layers and add up, row by row, what their parts give. They read each
 * other's buffers and wait for each other on their own: the program only enqueues their steps. A device that does not come is given up
 * after a while, and what is read then ends with an error.
 *
 * <p>In a step, all devices come together in the same turns, 0, 1, 2 …, each with a {@link SumNorm}, and have live rows in the first of
 * them, or in none. In turn 0 the others take over what the first device has in its buffer 0; at least one turn with as many live rows follows. In it and the next ones, each device adds up
 * what all have in their buffers 1, 2, 1, 2 …: one is filled again while the other may still be read.
 */
public interface Exchange extends AutoCloseable {
    /** The buffers of each device. */
    int BUFFERS = 3;

    /** The most turns in a step. */
    int MOST_TURNS = 1 << 14;

    /** Which buffer is used in a turn. */
    static int buffer(int turn) {
        return turn == 0 ? 0 : 2 - turn % 2;
    }

    /** What devices answer that open no exchanges. */
    static IllegalArgumentException foreign() {
        return new IllegalArgumentException("a sum over devices takes the exchange that its own device opened");
    }

    /** Lets go of it, on all devices; one that still waits is told to stop. Closing again does nothing. */
    @Override
    void close();
}
