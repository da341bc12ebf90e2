/**
 * Step 1 of the way of data: the GGUF container. Reader, writer, metadata, tensor table, split files.
 */
@NullMarked
package dev.nibble.gguf;

import org.jspecify.annotations.NullMarked;
