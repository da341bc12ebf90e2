/**
 * Step 6 of the way of data: the forward pass, the paged KV cache, and the scheduler that batches sequences.
 */
@NullMarked
package dev.nibble.engine;

import org.jspecify.annotations.NullMarked;
