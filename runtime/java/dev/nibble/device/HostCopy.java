package dev.nibble.device;

import java.lang.foreign.MemorySegment;

/**
 * A copy between host memory and a buffer of F32 or I32.
 *
 * @param buffer the buffer
 * @param element its first element that is copied
 * @param memory of the host, a multiple of 4 bytes
 */
public record HostCopy(Buffer buffer, long element, MemorySegment memory) {}
