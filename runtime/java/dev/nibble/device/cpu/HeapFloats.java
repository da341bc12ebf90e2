package dev.nibble.device.cpu;

import java.lang.foreign.MemorySegment;

/**
 * An array, and what native kernels take in its place: made once, for making it at each call takes as long as a small kernel.
 *
 * @param array the values
 * @param segment the same values
 */
record HeapFloats(float[] array, MemorySegment segment) {
    static HeapFloats of(float[] array) {
        return new HeapFloats(array, MemorySegment.ofArray(array));
    }
}
