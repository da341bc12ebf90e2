package dev.nibble.engine;

import dev.nibble.device.OperationCost;

/**
 * How long one of a step's operations takes when nothing else runs.
 *
 * @param device which does it
 * @param cost what it does
 * @param rows the rows that it works on
 * @param count how many of the same the step has
 * @param seconds of one of them
 */
public record OperationTime(String device, OperationCost cost, int rows, int count, double seconds) {}
