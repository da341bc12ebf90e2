package dev.nibble.device.cpu;

/** A prepared operation, or several fused. */
interface Kernel {
    /** Works on the rows that are live now, on the calling thread and the pool; returns when all is done. */
    void run();
}
