/**
 * Step 9 of the way of data, a face: {@code runtime-bench}. It measures models, and in the same run what the device could reach at
 * best.
 */
@NullMarked
package dev.nibble.bench;

import org.jspecify.annotations.NullMarked;
