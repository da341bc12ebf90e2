/**
 * Step 4 of the way of data: what a device is. Memory, weights, and a small set of operations on rows of activations.
 */
@NullMarked
package dev.nibble.device;

import org.jspecify.annotations.NullMarked;
