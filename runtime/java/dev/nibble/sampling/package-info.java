/**
 * Step 7 of the way of data: from logits to the next token.
 */
@NullMarked
package dev.nibble.sampling;

import org.jspecify.annotations.NullMarked;
