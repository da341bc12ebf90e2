/**
 * Step 0, the face of the way of data: the public API. Open a model, generate text, close it.
 */
@NullMarked
package dev.nibble;

import org.jspecify.annotations.NullMarked;
