package dev.nibble.device;

/**
 * A mark of a queue whose work is done at once, by the clock of the host.
 *
 * @param nanos of that clock
 */
record HostMark(long nanos) implements Mark {
    private static final double NANOS = 1e9;

    static HostMark now() {
        return new HostMark(System.nanoTime());
    }

    @Override
    public double secondsSince(Mark earlier) {
        if (!(earlier instanceof HostMark before)) {
            throw new IllegalArgumentException("the marks are of different queues");
        }
        return (nanos - before.nanos) / NANOS;
    }
}
