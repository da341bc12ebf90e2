/**
 * The Foreign Function and Memory machinery: calls into native libraries, bound by hand, their errors translated.
 */
@NullMarked
package dev.nibble.foreign;

import org.jspecify.annotations.NullMarked;
