package dev.nibble.device;

/**
 * A list of operations made ready by a device, to be run again and again: what changes from run to run lies in buffers that
 * the operations read.
 */
public interface Step {}
