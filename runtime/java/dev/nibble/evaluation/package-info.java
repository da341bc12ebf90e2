/**
 * Step 9 of the way of data, beside the faces: how well a model does on a text, and what its quantization has cost. It stands on
 * the public API, and on steps 1 and 2 for the files that it writes.
 */
@NullMarked
package dev.nibble.evaluation;

import org.jspecify.annotations.NullMarked;
