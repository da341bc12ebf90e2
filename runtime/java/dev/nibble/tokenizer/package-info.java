/**
 * Step 3 of the way of data: text to token ids and back.
 */
@NullMarked
package dev.nibble.tokenizer;

import org.jspecify.annotations.NullMarked;
