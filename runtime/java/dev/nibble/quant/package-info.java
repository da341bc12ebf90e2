/**
 * Step 2 of the way of data: every block format in plain Java. The decoders here are the oracle of all device kernels; the
 * encoders search for the scales of least squared error, each column's by its importance where that is known.
 */
@NullMarked
package dev.nibble.quant;

import org.jspecify.annotations.NullMarked;
