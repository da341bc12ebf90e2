/**
 * Step 2 of the way of data: every block format in plain Java. The decoders here are the oracle of all device kernels.
 */
@NullMarked
package dev.nibble.quant;

import org.jspecify.annotations.NullMarked;
