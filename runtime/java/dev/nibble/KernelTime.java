package dev.nibble;

/**
 * How long one of the operations of a step takes when it runs alone.
 *
 * @param device which it runs on
 * @param name what it is and on which shapes
 * @param rows the rows that it works on
 * @param count how many of the same the step has
 * @param seconds of one of them
 * @param bytes that one of them must read and write
 * @param multiplyAdds that one of them does
 */
public record KernelTime(
        String device, String name, int rows, int count, double seconds, long bytes, long multiplyAdds) {}
