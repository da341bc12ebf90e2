/**
 * Step 4 of the way of data, on the CPU: every operation with the Vector API on all cores.
 */
@NullMarked
package dev.nibble.device.cpu;

import org.jspecify.annotations.NullMarked;
