/**
 * Step 2 of the way of data, for whole files: which tensor of a model gets which type, and how it is written with fewer bits,
 * tensor by tensor.
 */
@NullMarked
package dev.nibble.quantize;

import org.jspecify.annotations.NullMarked;
